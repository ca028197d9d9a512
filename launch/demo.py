"""deblock-demo: restores packaged photographs with the shipped weights, and draws what came of it.

deblock-demo --output=DIR

Squares of four photographs that come inside scikit-image are compressed at the qualities, restored,
and drawn beside the clean ones. Four squares show what to expect; they are no evaluation.
"""

import dataclasses
import pathlib

import numpy as np
from PIL import Image

from deblock.launch import evaluation, picture, program, restoring, selection
from deblock.launch import flags as config_flags
from deblock.model import pretrained
from deblock.records import codec, images, jpeg_tables, packaged

SHEET = "demo.png"
_SIDE = 256


def _field(default, help_line):
  return dataclasses.field(default=default, metadata={"help": help_line})


@dataclasses.dataclass(frozen=True)
class DemoConfig:
  """The flags of deblock-demo."""

  output: str = _field("", "folder to write to")
  model: str = _field("default", "network that ships with deblock: default or fast")
  qualities: tuple[int, ...] = _field((10, 20, 30, 40), "JPEG qualities, one for each photograph")

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.output:
      raise ValueError("output must name a folder: use --output=DIR.")
    pretrained.check_name(self.model)
    if not self.qualities:
      raise ValueError("qualities must name one quality at least, got none.")
    for quality in self.qualities:
      jpeg_tables.check_quality(quality)


config_flags.define(DemoConfig)


def sheet(model: str, qualities: tuple[int, ...]) -> np.ndarray:
  """Returns clean square, JPEG and restored square of each photograph, uint8 [H, W, 3]."""
  rows = []
  for index, image in enumerate(packaged.packaged()):
    quality = qualities[index % len(qualities)]
    clean = _middle(images.read_rgb(image.path))
    data = codec.encode(clean, quality)
    jpeg, restored = codec.decode(data), restoring.restore(data, model)
    row = evaluation.compare(image.id, quality, clean, jpeg, restored)
    rows.append(picture.side_by_side(clean, jpeg, restored, row))
  return np.concatenate(rows)


def main(arguments):
  """Writes the sheet."""
  del arguments
  config = config_flags.parse(DemoConfig)
  path = selection.prepare_output(config.output) / SHEET
  temporary = pathlib.Path(f"{path}.tmp")
  Image.fromarray(sheet(config.model, config.qualities)).save(temporary, "PNG")
  temporary.replace(path)
  print(f"picture: {path}")


def _middle(pixels):
  top, left = ((side - _SIDE) // 2 for side in pixels.shape[:2])
  return np.ascontiguousarray(pixels[top : top + _SIDE, left : left + _SIDE])


def run():
  """Entry point of the console script."""
  program.run(main)


if __name__ == "__main__":
  run()

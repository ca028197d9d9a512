"""A picture of packaged photographs: clean, compressed, and restored with shipped weights."""

import dataclasses

import numpy as np

from deblock.launch import evaluation, picture, restoring
from deblock.model import pretrained
from deblock.records import codec, images, jpeg_tables, option, packaged

_SIDE = 256


@dataclasses.dataclass(frozen=True)
class DemoConfig:
  """The flags of deblock-demo."""

  output: str = option.field("", "folder to write to")
  model: str = option.field("default", "network that ships with deblock: default or fast")
  qualities: tuple[int, ...] = option.field(
    (10, 20, 30, 40), "JPEG qualities, one for each photograph"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.output:
      raise ValueError("output must name a folder: use --output=DIR.")
    pretrained.check_name(self.model)
    if not self.qualities:
      raise ValueError("qualities must name one quality at least, got none.")
    for quality in self.qualities:
      jpeg_tables.check_quality(quality)


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


def _middle(pixels):
  top, left = ((side - _SIDE) // 2 for side in pixels.shape[:2])
  return np.ascontiguousarray(pixels[top : top + _SIDE, left : left + _SIDE])

"""Drawn images as a source: as many as are asked for, of every kind in turn, from seeds alone."""

from collections.abc import Iterator, Sequence
import dataclasses
import re

from deblock.records.graphics import choices, kinds
from deblock.records.photos import reading
from deblock.records.sources import source_image

PREFIX = "graphics:"

_ID = re.compile(
  r"graphics/(?P<split>[a-z]+)/seed(?P<seed>-?\d+)/(?P<side>\d+)px/(?P<index>\d+)-[a-z-]+"
)


@dataclasses.dataclass(frozen=True)
class GraphicsSource:
  """Drawn images. None of one split is ever in the other, whatever the seeds are.

  Attributes:
    count: of images, 1 or more.
    split: "train" or "valid".
    seed: of all images.
    side: of the square images, in pixels.
  """

  count: int
  split: str = choices.SPLITS[0]
  seed: int = 0
  side: int = 512

  def __post_init__(self):
    """Raises ValueError, naming the flag, if an attribute is out of range."""
    if self.count < 1:
      raise ValueError(f"graphics_count must be 1 or more, got {self.count}.")
    if self.split not in choices.SPLITS:
      raise ValueError(
        f"graphics_split must be one of {', '.join(choices.SPLITS)}, got {self.split!r}."
      )
    if self.side < kinds.SMALLEST:
      raise ValueError(f"graphics_side must be {kinds.SMALLEST} or more, got {self.side}.")

  def list(self) -> tuple[source_image.SourceImage, ...]:
    """Returns the images, without drawing one.

    An id says all that decides an image, such as "graphics/train/seed0/512px/000017-table".
    """
    return tuple(map(self._image, range(self.count)))

  def read(
    self, wanted: Sequence[source_image.SourceImage]
  ) -> Iterator[tuple[source_image.SourceImage, reading.Picture | reading.ImageError]]:
    """Yields each image with its pixels, in the order given; see `draw`."""
    for image in wanted:
      yield image, draw(image)

  def _image(self, index):
    kind = kinds.kind(index)
    id = f"graphics/{self.split}/seed{self.seed}/{self.side}px/{index:06d}-{kind}"
    return source_image.SourceImage.alone(id, f"{PREFIX}{id.removeprefix('graphics/')}")


def is_drawn(image: source_image.SourceImage) -> bool:
  """Returns whether an image is one of this source, among those of others."""
  return image.path.startswith(PREFIX)


def draw(image: source_image.SourceImage) -> reading.Picture | reading.ImageError:
  """Returns the pixels of a drawn image, from its id alone, or why it has none."""
  found = _ID.fullmatch(image.id)
  if not found:
    return reading.ImageError(image.path, "is no image that graphics can draw")
  number = {name: int(found[name]) for name in ("seed", "side", "index")}
  try:
    pixels = kinds.draw(found["split"], number["seed"], number["index"], number["side"])
  except FileNotFoundError as error:
    return reading.ImageError(image.path, f"cannot be drawn: {error}")
  return reading.Picture(pixels, "")

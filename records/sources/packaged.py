"""The clean colour photographs that come with scikit-image."""

from deblock.records import installed
from deblock.records.sources import source_image

# Its other photographs are gray or were JPEGs. The two motorcycles are one scene from two cameras,
# so they must be in one split.
_NAMES_AND_GROUPS = (
  ("astronaut.png", "astronaut"),
  ("coffee.png", "coffee"),
  ("motorcycle_left.png", "motorcycle"),
  ("motorcycle_right.png", "motorcycle"),
)


def packaged() -> tuple[source_image.SourceImage, ...]:
  """Returns the clean colour photographs that come with scikit-image.

  It finds the data folder without importing the library.

  Raises:
    FileNotFoundError: if scikit-image or one of the photographs is not installed.
  """
  images = []
  for name, group in _NAMES_AND_GROUPS:
    try:
      path = installed.path("skimage", f"data/{name}")
    except FileNotFoundError as error:
      raise FileNotFoundError(f"{error}: give --images=FOLDER instead.") from error
    images.append(source_image.SourceImage(name, path, group=group, chunk=name))
  return tuple(images)

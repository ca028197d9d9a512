"""The clean colour photographs that come with scikit-image."""

import importlib.util
import pathlib

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
  spec = importlib.util.find_spec("skimage")
  if spec is None or not spec.submodule_search_locations:
    raise FileNotFoundError("scikit-image is not installed: give --images=FOLDER instead.")
  folder = pathlib.Path(spec.submodule_search_locations[0]) / "data"
  images = []
  for name, group in _NAMES_AND_GROUPS:
    if not (folder / name).exists():
      raise FileNotFoundError(f"scikit-image has no {folder / name}: give --images=FOLDER instead.")
    images.append(source_image.SourceImage(name, str(folder / name), group=group, chunk=name))
  return tuple(images)

"""Files that lie inside installed packages, found without importing the package."""

import importlib.util
import pathlib

# Names that pip knows, where they differ from those that are imported.
_PROJECTS = {"skimage": "scikit-image"}


def folder(package: str) -> pathlib.Path:
  """Returns the folder of an installed package.

  Raises:
    FileNotFoundError: if it is not installed.
  """
  spec = importlib.util.find_spec(package)
  if spec is None or not spec.submodule_search_locations:
    raise FileNotFoundError(f"{_PROJECTS.get(package, package)} is not installed")
  return pathlib.Path(spec.submodule_search_locations[0])


def path(package: str, name: str) -> str:
  """Returns the path of a file inside a package.

  Args:
    package: top-level name.
    name: below the package's folder, with slashes.
  Raises:
    FileNotFoundError: if the package is not installed, or has no such file.
  """
  found = folder(package) / name
  if not found.exists():
    raise FileNotFoundError(f"{_PROJECTS.get(package, package)} has no {found}")
  return str(found)

"""Removes JPEG artifacts: `deblock.restore("photo.jpg")`. Installed, this file is `deblock` itself.

The other folders are installed below it, as deblock.records, deblock.model and so on.
"""


def __getattr__(name):
  """Returns `restore`, `compress` or `__version__`; what they need is loaded at their first use."""
  if name == "restore":
    from deblock.launch.restoring import photograph

    return photograph.restore
  if name == "compress":
    from deblock.launch.compressing import picture

    return picture.compress
  if name == "__version__":
    from importlib import metadata

    return metadata.version("deblock")
  raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

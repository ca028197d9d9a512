"""A photograph, or a batch of them, restored."""


def __getattr__(name):
  """Gives `restoring.restore`, loading what it needs on first use only."""
  if name != "restore":
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
  from deblock.launch.restoring import photograph

  return photograph.restore

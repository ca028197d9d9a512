"""How deblock-page builds or serves the page, as one value."""

import dataclasses

from deblock.records import option


@dataclasses.dataclass(frozen=True)
class PageConfig:
  """The flags of deblock-page."""

  out: str = option.field("", "folder to write the page to: a new one, or one that has the page")
  serve: bool = option.field(False, "serve the page on this machine and open it in the browser")
  port: int = option.field(8000, "of --serve; 0 for any that is free")
  browser: bool = option.field(True, "open the browser with --serve")
  runtime: str = option.field(
    "", "onnxruntime-web's package, FILE.tgz of the npm registry, instead of downloading it"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    if not self.out and not self.serve:
      raise ValueError(
        "out must name a folder: use --out=DIR, or --serve to look at the page here."
      )
    if not 0 <= self.port <= 65535:
      raise ValueError(f"port must be in [0, 65535], got {self.port}.")

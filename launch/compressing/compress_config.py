"""How deblock-compress compresses a set of files, as one value."""

import dataclasses
import re
from typing import NamedTuple

from deblock.launch.compressing import families
from deblock.launch.file_sets import set_config
from deblock.launch.restoring import choices
from deblock.records import option

SAMPLINGS = {"420": "4:2:0", "444": "4:4:4"}
# Measures that can be asked for, with the best value that each has.
QUALITIES = ("psnr", "ssim", "ssimulacra2")
_BYTES = re.compile(r"(\d+(?:\.\d+)?)([kKmM]?)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_MULTIPLES = {"": 1, "k": 1000, "m": 1_000_000}


class Target(NamedTuple):
  """What a file must reach; one of the three is not None.

  Attributes:
    measure: of the quality, one of `QUALITIES`; "psnr" where bytes are given.
    quality: the least.
    most_bytes: the most.
    saving: share of a JPEG's bytes that must be saved.
  """

  measure: str = "psnr"
  quality: float | None = None
  most_bytes: int | None = None
  saving: float | None = None


@dataclasses.dataclass(frozen=True)
class CompressConfig(set_config.SetConfig):
  """The flags of deblock-compress."""

  psnr: float = option.field(0.0, "target: RGB PSNR in dB that the restored file reaches")
  ssim: float = option.field(0.0, "target: SSIM that the restored file reaches")
  ssimulacra2: float = option.field(0.0, "target: SSIMULACRA 2 that the restored file reaches")
  bytes: str = option.field("", "target: the most bytes, such as 200k or 1.5M; the best such file")
  saving: str = option.field("", "target: share of a JPEG's bytes to save, such as 30%")
  plain: bool = option.field(False, "the target is of the file as it is, not as it is restored")
  model: str = option.field(
    "default", "network that will restore: default or fast, or FILE.onnx that deblock-export wrote"
  )
  tables: str = option.field("auto", "quantisation tables: ijg, sloped, or auto, the best")
  sampling: str = option.field("auto", "of chroma: 420, 444, or auto, the best")
  background: str = option.field(
    "", "colour that transparent images are laid on, such as white or #808080; JPEG has none"
  )
  device: str = option.field(
    "auto", "cpu; cuda, the first NVIDIA GPU; or auto, that GPU if ONNX Runtime can use it"
  )

  def __post_init__(self):
    """Raises ValueError where a field is missing or out of range."""
    super().__post_init__()
    self.target  # noqa: B018, it raises
    choices.check_model(self.model)
    choices.check_device(self.device)
    families.check(self.tables)
    if self.sampling not in (families.AUTO, *SAMPLINGS):
      raise ValueError(f"sampling must be one of auto, 420, 444, got {self.sampling!r}.")

  @property
  def target(self) -> Target:
    """The one target that was asked for.

    Raises:
      ValueError: if there is none, or several, or it is out of range.
    """
    named = [name for name in (*QUALITIES, "bytes", "saving") if getattr(self, name)]
    if len(named) != 1:
      raise ValueError(
        "name one target, --psnr, --ssim, --ssimulacra2, --bytes or --saving, got "
        f"{' and '.join(named) or 'none'}."
      )
    (name,) = named
    if name == "bytes":
      return Target(most_bytes=_bytes(self.bytes))
    if name == "saving":
      return Target(saving=_share(self.saving))
    value, most = getattr(self, name), {"psnr": 100.0, "ssim": 1.0, "ssimulacra2": 100.0}[name]
    if not 0.0 < value < most:
      raise ValueError(f"{name} must be in (0, {most:g}), got {value:g}.")
    return Target(measure=name, quality=value)


def _bytes(text):
  found = _BYTES.fullmatch(text)
  count = int(float(found[1]) * _MULTIPLES[found[2].lower()]) if found else 0
  if count < 1:
    raise ValueError(f"bytes must be a number such as 90000, 200k or 1.5M, got {text!r}.")
  return count


def _share(text):
  found = _SHARE.fullmatch(text)
  share = float(found[1]) / 100.0 if found else 0.0
  if not 0.0 < share < 1.0:
    raise ValueError(f"saving must be a share of the bytes such as 30%, got {text!r}.")
  return share

"""How a clean image is compressed before it is restored, and which samples are measured."""

import dataclasses

import numpy as np

from deblock.model import metrics
from deblock.records import option
from deblock.records.jpeg import codec
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables


@dataclasses.dataclass(frozen=True)
class ProtocolConfig:
  """The flags of deblock-evaluate and deblock-compare for compressing and measuring."""

  subsampling: str = option.field("420", "colour subsampling of the JPEGs: 444, 422 or 420")
  gray: bool = option.field(False, "compress MATLAB's luma of the images as gray JPEGs")
  luma: bool = option.field(
    False, "measure the luma of colour JPEGs; figures differ from those of gray JPEGs"
  )
  double_quality: int = option.field(
    0, "quality of a first JPEG, compressed before the restored one; 0 for none"
  )
  double_shift: int = option.field(4, "rows and columns cut off between the two JPEGs, 0 to 7")
  faithful: bool = option.field(
    False, "keep the coefficients of the JPEGs, as deblock-restore does"
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range, or two exclude each other."""
    jpeg_sampling.check(self.subsampling)
    if self.gray and self.luma:
      raise ValueError("gray and luma exclude each other: gray JPEGs have nothing but luma.")
    if self.double_quality:
      jpeg_tables.check_quality(self.double_quality, "double_quality, unless 0,")
    if not 0 <= self.double_shift < jpeg_sampling.BLOCK:
      raise ValueError(
        f"double_shift must be in [0, {jpeg_sampling.BLOCK - 1}], a place in a JPEG block, got "
        f"{self.double_shift}."
      )


PUBLISHED = ProtocolConfig()


def reference_and_jpeg(
  clean: np.ndarray, quality: int, protocol: ProtocolConfig = PUBLISHED
) -> tuple[np.ndarray, bytes]:
  """Returns the reference that results are measured against, and its JPEG.

  Args:
    clean: uint8 [H, W, 3].
    quality: IJG quality of the JPEG, or of the second of two.
    protocol: how to compress.
  Returns:
    The clean image, uint8 [h, w, 3] or [h, w, 1] if gray, after the cut between two JPEGs, and a
    JPEG of the same size.
  """
  if protocol.gray:
    clean = gray(clean)
  if not protocol.double_quality:
    return clean, codec.encode(clean, quality, protocol.subsampling)
  first = codec.encode(clean, protocol.double_quality, protocol.subsampling)
  cut = slice(protocol.double_shift, None)
  decoded = np.ascontiguousarray(codec.decode(first)[cut, cut, : clean.shape[2]])
  return np.ascontiguousarray(clean[cut, cut]), codec.encode(decoded, quality, protocol.subsampling)


def gray(image: np.ndarray) -> np.ndarray:
  """Returns MATLAB's luma of an image, uint8 [H, W, 1]; a gray image keeps its levels.

  Gray test sets such as Classic5 are used as they are; LIVE1's gray images are MATLAB's luma.

  Args:
    image: uint8 [H, W, 3].
  """
  if (image == image[..., :1]).all():
    return np.ascontiguousarray(image[..., :1])
  return luma(image)


def luma(image: np.ndarray) -> np.ndarray:
  """Returns MATLAB's luma of an image, uint8 [H, W, 1] in [16, 235].

  Args:
    image: uint8 [H, W, 3].
  """
  return np.rint(255.0 * metrics.luma(image[np.newaxis] / 255.0)[0]).astype(np.uint8)


def measured_samples(image: np.ndarray, protocol: ProtocolConfig) -> np.ndarray:
  """Returns the samples of an image, uint8 [H, W, 3] or [H, W, 1], that are measured."""
  return luma(image) if protocol.luma else image


def describe(protocol: ProtocolConfig) -> str:
  """Returns a table's caption: what is compressed and measured."""
  sampled = ":".join(protocol.subsampling)
  kind = "gray JPEG of MATLAB's luma" if protocol.gray else f"colour JPEG {sampled}"
  if protocol.double_quality:
    kind = (
      f"{kind}, compressed at quality {protocol.double_quality} before, then cut by "
      f"{protocol.double_shift} rows and columns"
    )
  samples = "RGB together"
  if protocol.gray:
    samples = "gray levels"
  elif protocol.luma:
    samples = "MATLAB's luma of the colour images, which is not the figure of gray JPEGs"
  held = "; results kept inside the JPEG's quantisation cells" if protocol.faithful else ""
  return f"{kind}; measured on {samples}{held}"

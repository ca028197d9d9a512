"""Measures methods on whole images by the protocol of FBCNN's evaluation code."""

from collections.abc import Callable, Iterable, Iterator, Sequence
import dataclasses
import math
from typing import NamedTuple

import numpy as np

from deblock.launch.evaluation import bootstrap, measures
from deblock.launch.evaluation import methods as methods_lib
from deblock.launch.evaluation import protocol as protocol_lib
from deblock.launch.restoring import photograph
from deblock.records.jpeg import codec
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.photos import original

MEAN = "mean"
FIGURES = (
  *("psnr_jpeg", "psnr", "ssim_jpeg", "ssim", "psnr_b_jpeg", "psnr_b"),
  *("ssimulacra2_jpeg", "ssimulacra2", "seconds"),
)
_DECIBELS = {"psnr_jpeg", "psnr", "psnr_b_jpeg", "psnr_b"}


@dataclasses.dataclass(frozen=True)
class Row:
  """The figures of one image at one quality. Where `image` is "mean", means over images.

  Figures that were not asked for are None.

  Attributes:
    image: identity of the image.
    quality: IJG quality factor.
    psnr_jpeg: PSNR of the JPEG in decibels, from one error over all colours.
    psnr: PSNR of the restored image; infinite if it equals the original.
    ssim_jpeg: SSIM of the JPEG, the mean over colours.
    ssim: SSIM of the restored image.
    psnr_b_jpeg: PSNR-B of the JPEG in decibels.
    psnr_b: PSNR-B of the restored image.
    model: name of the method.
    seconds: wall-clock time of restoring; 0 if it was not measured.
    gain_low: lower end of the interval of a mean gain; None if unknown.
    gain_high: upper end of the interval.
    ssimulacra2_jpeg: SSIMULACRA 2 of the JPEG.
    ssimulacra2: SSIMULACRA 2 of the restored image.
    perfect: 1 if the JPEG or the restored image equals the original; of a mean, their number. Its
      decibels are those of the other images, unless there are none.
  """

  image: str
  quality: int
  psnr_jpeg: float
  psnr: float
  ssim_jpeg: float | None
  ssim: float | None
  psnr_b_jpeg: float | None
  psnr_b: float | None
  model: str = ""
  seconds: float = 0.0
  gain_low: float | None = None
  gain_high: float | None = None
  ssimulacra2_jpeg: float | None = None
  ssimulacra2: float | None = None
  perfect: int = 0

  @property
  def gain(self) -> float:
    """PSNR minus that of the JPEG, in decibels; 0 where both are infinite."""
    return 0.0 if self.psnr == self.psnr_jpeg else self.psnr - self.psnr_jpeg


class Figures(NamedTuple):
  """The figures of one image against the clean one; None where one was not asked for.

  Attributes:
    psnr: in decibels.
    ssim: mean over channels.
    psnr_b: in decibels.
    ssimulacra2: at most 100.
  """

  psnr: float
  ssim: float | None = None
  psnr_b: float | None = None
  ssimulacra2: float | None = None


class Trial(NamedTuple):
  """One image at one quality, restored by one method, and its figures.

  Attributes:
    row: the figures.
    clean: uint8 [H, W, C] with one or three channels, after the protocol's cut.
    data: the JPEG file.
    jpeg: its pixels, uint8 [H, W, C].
    restored: uint8 [H, W, C].
  """

  row: Row
  clean: np.ndarray
  data: bytes
  jpeg: np.ndarray
  restored: np.ndarray


def figures(
  image: np.ndarray, clean: np.ndarray, metrics: Sequence[str] = measures.USUAL
) -> Figures:
  """Returns the figures of an image.

  Args:
    image: uint8 [H, W, 3] or [H, W, 1], at least 11x11 for SSIM.
    clean: uint8, same shape.
    metrics: names of `measures.MEASURES`, PSNR among them.
  Raises:
    ValueError: if the shapes differ, or are too small for a metric.
  """
  height, width = clean.shape[:2]
  if image.shape != clean.shape:
    raise ValueError(f"image and clean must have one shape, got {image.shape} and {clean.shape}.")
  side = measures.smallest_side(metrics)
  if min(height, width) < side:
    raise ValueError(f"figures need images of at least {side}x{side} pixels, got {height}x{width}.")
  image, clean = (item[np.newaxis] / 255.0 for item in (image, clean))
  return Figures(**{name: float(measures.MEASURES[name].of(image, clean)[0]) for name in metrics})


def compare(image: str, quality: int, clean, jpeg, restored) -> Row:
  """Returns the figures of one image.

  Args:
    image: its identity.
    quality: of the JPEG.
    clean: uint8 [H, W, 3] or [H, W, 1].
    jpeg: uint8 of the same shape, decoded.
    restored: uint8 of the same shape.
  """
  return _row(image, quality, figures(jpeg, clean), figures(restored, clean))


def _stopped() -> float:
  return 0.0


def trials(
  methods: Sequence[methods_lib.Method],
  image: str,
  clean: np.ndarray,
  quality: int,
  protocol: protocol_lib.ProtocolConfig = protocol_lib.PUBLISHED,
  clock: Callable[[], float] = _stopped,
  metrics: Sequence[str] = measures.USUAL,
) -> Iterator[Trial]:
  """Yields one image at one quality as each method restores it.

  Args:
    methods: at least one.
    image: its identity.
    clean: uint8 [H, W, 3].
    quality: IJG quality factor to compress at.
    protocol: how to compress, and what to measure.
    clock: seconds since any moment.
    metrics: as in `figures`.
  """
  clean, data = protocol_lib.reference_and_jpeg(clean, quality, protocol)
  reference = protocol_lib.measured_samples(clean, protocol)
  of_jpeg = None
  for method in methods:
    begun = clock()
    jpeg, made = jpeg_and_restored(method.restore, data, quality, protocol.faithful, protocol.gray)
    seconds = clock() - begun
    if of_jpeg is None:
      of_jpeg = figures(protocol_lib.measured_samples(jpeg, protocol), reference, metrics)
    of_made = figures(protocol_lib.measured_samples(made, protocol), reference, metrics)
    row = _row(image, quality, of_jpeg, of_made, method.name, seconds)
    yield Trial(row, clean, data, jpeg, made)


def evaluate(
  methods: Sequence[methods_lib.Method],
  images: Iterable[tuple[str, np.ndarray]],
  qualities: Sequence[int],
  protocol: protocol_lib.ProtocolConfig = protocol_lib.PUBLISHED,
  clock: Callable[[], float] = _stopped,
  metrics: Sequence[str] = measures.USUAL,
) -> list[Row]:
  """Returns the figures of each image at each quality by each method; no means.

  Args:
    methods: at least one.
    images: identities and clean images, uint8 [H, W, 3].
    qualities: IJG quality factors to compress at.
    protocol: how to compress, and what to measure.
    clock: seconds since any moment.
    metrics: as in `figures`.
  """
  return [
    trial.row
    for image, clean in images
    for quality in qualities
    for trial in trials(methods, image, clean, quality, protocol, clock, metrics)
  ]


def jpeg_and_restored(
  restore, data: bytes, quality: int, faithful: bool = False, gray: bool = False
):
  """Returns the pixels of a JPEG and the restored pixels, both uint8 [H, W, 3] or [H, W, 1].

  Args:
    restore: as in `methods.Method`.
    data: a JPEG with the standard tables.
    quality: quality of these tables.
    faithful: whether to keep the result inside the JPEG's quantisation cells.
    gray: whether the JPEG is gray; the result then has one channel.
  Raises:
    ValueError: if faithful, and the coefficients of the JPEG cannot be read.
  """
  if not faithful and not gray:
    jpeg = codec.decode(data)
    return jpeg, restore(jpeg, jpeg_tables.quantization_tables(quality))
  found = original.decode(data, "the JPEG")
  # Without a quality, restoring would leave JPEGs of high quality as they are.
  made = photograph.restore_original(found, restore, quality, faithful=faithful)
  if faithful and made.kept_close is None:
    reason = jpeg_coefficients.missing() or "; ".join(made.notes)
    raise ValueError(f"faithful figures need the coefficients of JPEGs: {reason}.")
  if gray:
    return found.samples[..., np.newaxis], made.samples[..., np.newaxis]
  return found.samples, made.samples


def means(rows: Sequence[Row]) -> list[Row]:
  """Returns the means over images, one row per method and quality.

  A mean PSNR is the mean of decibels. Images whose JPEG or restored image equals the
  original have infinite decibels: they are counted in `perfect`, and the decibels are those of the
  others. Methods keep the order of their first rows. With two images or more, the mean gain has its
  95 % bootstrap interval over the images.
  """
  averaged = []
  for model in dict.fromkeys(row.model for row in rows):
    of_model = [row for row in rows if row.model == model]
    for quality in sorted({row.quality for row in of_model}):
      chosen = [row for row in of_model if row.quality == quality]
      finite = [row for row in chosen if not row.perfect]
      in_decibels = finite or chosen
      interval = bootstrap.of_mean([row.gain for row in in_decibels])
      known = interval is not bootstrap.UNKNOWN
      averaged.append(
        Row(
          image=MEAN,
          quality=quality,
          model=model,
          gain_low=interval.low if known else None,
          gain_high=interval.high if known else None,
          perfect=len(chosen) - len(finite),
          **{
            field: _mean(in_decibels if field in _DECIBELS else chosen, field) for field in FIGURES
          },
        )
      )
  return averaged


def _mean(rows, field):
  values = [getattr(row, field) for row in rows]
  return None if None in values else math.fsum(values) / len(values)


def _row(image, quality, jpeg, made, model="", seconds=0.0):
  return Row(
    image,
    quality,
    jpeg.psnr,
    made.psnr,
    jpeg.ssim,
    made.ssim,
    jpeg.psnr_b,
    made.psnr_b,
    model,
    seconds,
    ssimulacra2_jpeg=jpeg.ssimulacra2,
    ssimulacra2=made.ssimulacra2,
    perfect=int(math.isinf(jpeg.psnr) or math.isinf(made.psnr)),
  )

"""Measures a network on whole images, by the protocol of FBCNN's evaluation code."""

from collections.abc import Callable, Iterable, Sequence
import csv
import dataclasses
import json
import math
import pathlib

import numpy as np

from deblock.launch import restoring
from deblock.model import metrics, restorer
from deblock.pipeline import pixels
from deblock.records import codec, jpeg_tables, original

JSON_FILE = "evaluation.json"
CSV_FILE = "evaluation.csv"
MEAN = "mean"
FIGURES = ("psnr_jpeg", "psnr", "ssim_jpeg", "ssim", "psnr_b_jpeg", "psnr_b")


@dataclasses.dataclass(frozen=True)
class Row:
  """The figures of one image at one quality; of their means where `image` is "mean".

  Attributes:
    image: identity of the image.
    quality: IJG quality factor.
    psnr_jpeg: of the JPEG, in decibels, one error over all colours.
    psnr: of the restored image.
    ssim_jpeg: of the JPEG, mean over colours.
    ssim: of the restored image.
    psnr_b_jpeg: PSNR-B of the JPEG, in decibels.
    psnr_b: of the restored image.
  """

  image: str
  quality: int
  psnr_jpeg: float
  psnr: float
  ssim_jpeg: float
  ssim: float
  psnr_b_jpeg: float
  psnr_b: float

  @property
  def gain(self) -> float:
    """What restoring gains over the JPEG, in decibels."""
    return self.psnr - self.psnr_jpeg


def compare(image: str, quality: int, clean, jpeg, restored) -> Row:
  """Returns the figures of one image.

  Args:
    image: its identity.
    quality: of the JPEG.
    clean: uint8 [H, W, 3].
    jpeg: uint8 [H, W, 3], decoded.
    restored: uint8 [H, W, 3].
  """
  clean, jpeg, restored = (pixels.to_float(item[np.newaxis]) for item in (clean, jpeg, restored))
  return Row(
    image=image,
    quality=quality,
    psnr_jpeg=float(metrics.psnr(jpeg, clean)[0]),
    psnr=float(metrics.psnr(restored, clean)[0]),
    ssim_jpeg=float(metrics.ssim(jpeg, clean)[0]),
    ssim=float(metrics.ssim(restored, clean)[0]),
    psnr_b_jpeg=float(metrics.psnr_b(jpeg, clean)[0]),
    psnr_b=float(metrics.psnr_b(restored, clean)[0]),
  )


def evaluate(
  restore: Callable[[np.ndarray, np.ndarray], np.ndarray] | restorer.Restorer,
  images: Iterable[tuple[str, np.ndarray]],
  qualities: Sequence[int],
  subsampling: str = "420",
  faithful: bool = False,
) -> list[Row]:
  """Returns the figures of each image at each quality, without their means.

  Args:
    restore: uint8 [H, W, 3] JPEG pixels and their [2, 8, 8] quantisation tables to uint8 [H, W, 3]
      restored pixels; a `restorer.Restorer` if faithful.
    images: identities and clean images, uint8 [H, W, 3].
    qualities: IJG quality factors to compress at.
    subsampling: of the JPEG's colours; the protocol's is 4:2:0.
    faithful: whether the result is kept inside the JPEG's quantisation cells.
  """
  rows = []
  for image, clean in images:
    for quality in qualities:
      data = codec.encode(clean, quality, subsampling)
      rows.append(compare(image, quality, clean, *restored(restore, data, quality, faithful)))
  return rows


def restored(restore, data: bytes, quality: int, faithful: bool = False):
  """Returns the pixels of a JPEG and what is made of them, both uint8 [H, W, 3].

  Args:
    restore: as in `evaluate`.
    data: a colour JPEG of the standard tables.
    quality: of these.
    faithful: as in `evaluate`.
  """
  jpeg = codec.decode(data)
  if not faithful:
    return jpeg, restore(jpeg, jpeg_tables.quantization_tables(quality))
  found = original.decode(data, "the JPEG")
  # Told its quality, even the best JPEG is restored.
  return jpeg, restoring.restore_original(found, restore, quality, faithful=True).samples


def means(rows: Sequence[Row]) -> list[Row]:
  """Returns one row per quality: the means over images, of PSNR the mean of the decibels."""
  averaged = []
  for quality in sorted({row.quality for row in rows}):
    chosen = [row for row in rows if row.quality == quality]
    figures = {
      field: math.fsum(getattr(row, field) for row in chosen) / len(chosen) for field in FIGURES
    }
    averaged.append(Row(image=MEAN, quality=quality, **figures))
  return averaged


def save(rows: Sequence[Row], folder: str) -> None:
  """Writes all rows, means last, as CSV and then as JSON, each under a temporary name first."""
  output = pathlib.Path(folder)
  output.mkdir(parents=True, exist_ok=True)
  values = [dataclasses.asdict(row) for row in [*rows, *means(rows)]]
  temporary = output / f"{CSV_FILE}.tmp"
  with temporary.open("w", newline="") as stream:
    writer = csv.DictWriter(stream, fieldnames=list(values[0]))
    writer.writeheader()
    writer.writerows(values)
  temporary.replace(output / CSV_FILE)
  temporary = output / f"{JSON_FILE}.tmp"
  # Infinity, the PSNR of equal images, has no JSON spelling: it becomes null.
  finite = [{name: _json_value(value) for name, value in row.items()} for row in values]
  temporary.write_text(json.dumps(finite, indent=1, allow_nan=False) + "\n")
  temporary.replace(output / JSON_FILE)


def table(rows: Sequence[Row]) -> str:
  """Returns all rows and their means as text for a terminal."""
  every = [*rows, *means(rows)]
  width = max(len("image"), *(len(row.image) for row in every))
  lines = [
    f"{'image':<{width}}  quality  PSNR of JPEG  restored    gain  SSIM of JPEG  restored"
    "  PSNR-B of JPEG  restored"
  ]
  lines += [
    f"{row.image:<{width}}  {row.quality:>7}  {row.psnr_jpeg:>9.3f} dB  {row.psnr:>5.3f} dB"
    f"  {row.gain:>+6.3f}  {row.ssim_jpeg:>12.4f}  {row.ssim:>8.4f}"
    f"  {row.psnr_b_jpeg:>11.3f} dB  {row.psnr_b:>5.3f} dB"
    for row in every
  ]
  return "\n".join(lines)


def _json_value(value):
  return None if isinstance(value, float) and not math.isfinite(value) else value

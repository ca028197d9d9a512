"""The quantised DCT coefficients that a JPEG file holds, with their tables and sampling.

jpeglib reads them as libjpeg does, without decoding pixels.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import os
import pathlib
import tempfile

import numpy as np

from deblock.records.jpeg import sampling, scans


class CoefficientsError(ValueError):
  """The coefficients of a file cannot be read; the message is the reason, a clause."""


@dataclasses.dataclass(frozen=True)
class Plane:
  """The coefficients of one component of a JPEG.

  Attributes:
    integers: int16 [rows, columns, 8, 8], the quantised coefficients of the blocks that hold
      pixels, natural order: row = vertical frequency.
    steps: int32 [8, 8], at least 1, the quantisation steps in the same order.
    factors: pixels to a sample, down and across.
  """

  integers: np.ndarray
  steps: np.ndarray
  factors: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Coefficients:
  """The coefficients of a gray or a three-component JPEG.

  Attributes:
    planes: one (gray) or three (Y, Cb and Cr, or whatever the file's components are).
    height: of the image in pixels.
    width: the same.
  """

  planes: tuple[Plane, ...]
  height: int
  width: int

  @property
  def grid(self) -> tuple[int, int]:
    """The height and width in pixels of the smallest area that holds whole blocks of all planes."""
    down, across = (
      np.lcm.reduce([plane.factors[axis] for plane in self.planes]).item() for axis in (0, 1)
    )
    return sampling.BLOCK * down, sampling.BLOCK * across

  @functools.cached_property
  def is_colourless(self) -> bool:
    """Whether chroma is zero everywhere: a gray image in a file of three components."""
    return not any(plane.integers.any() for plane in self.planes[1:])

  @functools.cached_property
  def is_one_colour(self) -> bool:
    """Whether all blocks are flat and alike: an image of a single colour."""
    return all(
      not plane.integers.reshape(-1, 64)[:, 1:].any() and np.ptp(plane.integers[..., 0, 0]) == 0
      for plane in self.planes
    )


def read(source: str | os.PathLike | bytes) -> Coefficients:
  """Returns the coefficients of a JPEG file.

  Args:
    source: a local path, or what a file holds.
  Raises:
    CoefficientsError: if jpeglib is missing or refuses the file (arithmetic coding, 12 bits a
      sample, damage), or if the components are neither 1 nor 3 or a sampling is not whole-numbered.
    OSError: if the file, or the temporary copies that jpeglib needs, cannot be read or written.
  """
  try:
    import jpeglib
  except (ImportError, OSError) as error:
    reason = "jpeglib, which reads coefficients, is not installed"
    raise CoefficientsError(reason) from error
  with tempfile.TemporaryDirectory(prefix="deblock-") as folder, _temporary_files_in(folder):
    path = pathlib.Path(folder) / "source.jpg"
    data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
    # jpeglib crashes on some damaged metadata, which it has no use for.
    path.write_bytes(scans.bare(data))
    try:
      return _of_jpeglib(jpeglib.read_dct(str(path)))
    except CoefficientsError:
      raise
    except Exception as error:
      # The library raises OSError for all that libjpeg refuses, and NumPy's errors on odd headers.
      raise CoefficientsError("libjpeg cannot read its coefficients") from error


@contextlib.contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
  """Has temporary files made in a folder: jpeglib leaves its own behind where libjpeg fails."""
  before, tempfile.tempdir = tempfile.tempdir, folder
  try:
    yield
  finally:
    tempfile.tempdir = before


def _of_jpeglib(jpeg):
  integers = [plane for plane in (jpeg.Y, jpeg.Cb, jpeg.Cr) if plane is not None]
  if len(integers) not in (1, 3) or jpeg.num_components != len(integers):
    raise CoefficientsError(f"it has {jpeg.num_components} components")
  every = [(int(down), int(across)) for down, across in jpeg.samp_factor[: len(integers)]]
  most = tuple(max(factors) for factors in zip(*every, strict=True))
  planes = []
  for blocks, number, factors in zip(integers, jpeg.quant_tbl_no, every, strict=False):
    steps = np.asarray(jpeg.qt[number], np.int32)
    if steps.min() < 1:
      raise CoefficientsError("its quantisation table has a step of 0")
    planes.append(Plane(blocks, steps, _ratio(most, factors)))
  return Coefficients(tuple(planes), int(jpeg.height), int(jpeg.width))


def _ratio(most, factors):
  """Returns the pixels to a sample of a component, from its sampling factors and the largest."""
  if any(large % own for large, own in zip(most, factors, strict=True)):
    down, across = (large / own for large, own in zip(most, factors, strict=True))
    raise CoefficientsError(f"its chroma is sampled {across:.3g}x{down:.3g}")
  return most[0] // factors[0], most[1] // factors[1]

"""The quantised DCT coefficients that a JPEG file holds, with their tables and sampling.

jpeglib reads them as libjpeg does, without decoding pixels.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import importlib.util
import os
import pathlib
import tempfile
import threading
from typing import Any

import numpy as np

from deblock.records import quiet, regular_file
from deblock.records.jpeg import limited_process, sampling, scans

# Above it, starting a process, which takes 0.3 s, matters little.
_MOST_SECONDS_HERE = 2.0
_MOST_SECONDS = 10.0
_BLOCK_BYTES = 128
_SOURCE, _RESULT, _REFUSAL = "source.jpg", "coefficients.npz", "refusal.txt"
_LOCK = threading.Lock()


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


def missing() -> str:
  """Returns why no file's coefficients can be read on this machine; "" if they can."""
  if importlib.util.find_spec("jpeglib") is None:
    return "jpeglib, which reads coefficients, is not installed"
  return ""


def read(source: str | os.PathLike | bytes) -> Coefficients:
  """Returns the coefficients of a JPEG file.

  A process of its own, which ends in time, reads a file that takes long or is irregular.

  Args:
    source: a local path, or what a file holds.
  Raises:
    CoefficientsError: if jpeglib is missing, takes over 10 s, crashes, or refuses the file
      (arithmetic coding, 12 bits a sample, damage), or if the components are neither 1 nor 3 or a
      sampling is not whole-numbered.
    OSError: if the file, or the temporary copies that jpeglib needs, cannot be read or written.
  """
  if reason := missing():
    raise CoefficientsError(reason)
  data = source if isinstance(source, bytes) else _read_whole(source)
  # jpeglib crashes on some damaged metadata, which it has no use for.
  data = scans.bare(data)
  with _LOCK:  # Else it may lie in the folder of another thread.
    temporary = tempfile.TemporaryDirectory(prefix="deblock-")
  with temporary as folder:
    (pathlib.Path(folder) / _SOURCE).write_bytes(data)
    work, size = scans.work(data), len(data)
    here = scans.is_regular(data) and _seconds(work, size) <= _MOST_SECONDS_HERE
    # What jpeglib reads, it reads from its copies.
    del data
    return _read_here(folder) if here else _read_apart(folder, work, size)


def _read_whole(path):
  with regular_file.open_to_read(path) as file:
    return file.read()


def _seconds(work, size):
  """Returns about how long jpeglib takes, which decodes a file twice.

  `make bench PART=restoring-cells` prints both.
  """
  return 3e-7 * work.blocks + 2e-7 * work.visits + 5e-8 * size


def _read_here(folder):
  try:
    import jpeglib
  except (ImportError, OSError) as error:
    raise CoefficientsError("jpeglib, which reads coefficients, cannot be loaded") from error
  # jpeglib is not safe in threads, nor is what surrounds it here. libjpeg prints its warnings.
  with _LOCK, _temporary_files_in(folder), quiet.standard_error():
    try:
      return _of_jpeglib(jpeglib.read_dct(str(pathlib.Path(folder) / _SOURCE)))
    except CoefficientsError:
      raise
    except MemoryError as error:
      raise CoefficientsError("there is not enough memory to read its coefficients") from error
    except Exception as error:
      # The library raises OSError for all that libjpeg refuses, and NumPy's errors on odd headers.
      raise CoefficientsError("libjpeg cannot read its coefficients") from error


def _read_apart(folder, work, size):
  # The coefficients lie in libjpeg's memory and in jpeglib's; as much again is a margin.
  most_bytes = 4 * work.blocks * _BLOCK_BYTES + 4 * size
  try:
    limited_process.run(__name__, folder, _MOST_SECONDS, most_bytes)
  except limited_process.EndedError as error:
    raise CoefficientsError(f"reading its coefficients {error}") from error
  refusal = pathlib.Path(folder) / _REFUSAL
  if refusal.exists():
    raise CoefficientsError(refusal.read_text("utf-8"))
  with np.load(pathlib.Path(folder) / _RESULT, allow_pickle=False) as result:
    height, width, count = result["sizes"].tolist()
    return Coefficients(
      tuple(
        Plane(result[f"integers{n}"], result[f"steps{n}"], tuple(result[f"factors{n}"].tolist()))
        for n in range(count)
      ),
      height,
      width,
    )


def main() -> None:
  """Reads the file in the current folder, where `limited_process.run` starts it, for `read`."""
  limited_process.limit_itself()
  try:
    found = _read_here(".")
  except CoefficientsError as error:
    pathlib.Path(_REFUSAL).write_text(str(error), "utf-8")
    return
  arrays: dict[str, Any] = {"sizes": np.array((found.height, found.width, len(found.planes)))}
  for number, plane in enumerate(found.planes):
    arrays[f"integers{number}"] = plane.integers
    arrays[f"steps{number}"] = plane.steps
    arrays[f"factors{number}"] = np.array(plane.factors)
  np.savez(_RESULT, **arrays)


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


if __name__ == "__main__":
  main()

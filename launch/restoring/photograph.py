"""One photograph in, one out: as pixels, in three lines.

import deblock

restored = deblock.restore("photo.jpg")
"""

from collections.abc import Callable
import functools
import os
from typing import NamedTuple

import numpy as np
from PIL import Image

from deblock.launch.restoring import cells, choices, fading
from deblock.launch.restoring import network as network_lib
from deblock.model import tiling
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import encoders as jpeg_encoders
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import screenshots
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.jpeg import traces as jpeg_traces
from deblock.records.photos import metadata, original, reading

# From here on JPEGs are left as they are. On 8 validation images in 4:4:4 the shipped networks lose
# up to 0.2 dB at quality 98 and 99, projected onto the cells, and 0.3 to 1.1 dB when freed. Of the
# 1 dB that they gain in 4:2:0, projected, 0.1 dB at most is theirs: projecting the JPEG itself
# gains the rest, and loses 0.3 dB on one image. Freed, they gain 0.1 dB at most.
_GOOD = 98
# Of an image with a shorter side a network sees too little: as many lose as gain.
_SMALLEST = 16
# The share of blocks from which on a result that stays close to its JPEG is worth a note.
_MANY_DOUBTED = 0.1
_LUMA = np.array(jpeg_sampling.LUMA, np.float32)


class Condition(NamedTuple):
  """What is known of the JPEG that the pixels come from.

  Attributes:
    tables: int32 [2, 8, 8], its quantisation steps; None where there is nothing to restore: no sign
      of a JPEG, or one of quality 98 or more, or an image of less than 16 rows or columns.
    top: the rows above its first whole block, 0 to 7.
    left: the columns before it.
    source: how that is known, for a log.
    turned: whether rows and columns of the JPEG have changed places since.
    part: rows and columns that were the JPEG; None for the whole image.
  """

  tables: np.ndarray | None
  top: int
  left: int
  source: str
  turned: bool = False
  part: tuple[slice, slice] | None = None


class Restored(NamedTuple):
  """What was made of a photograph.

  Attributes:
    samples: as the original's in shape and type, not turned yet.
    condition: by which it was made.
    notes: what was asked for and could not be done, a clause each.
    kept_close: share of the blocks that were kept close to the JPEG; None if it was not held to its
      coefficients.
    given_back: share of the JPEG's coefficients that compressing the result with its tables gives;
      None if they are not known, or the share was not asked for.
  """

  samples: np.ndarray
  condition: Condition
  notes: tuple[str, ...] = ()
  kept_close: float | None = None
  given_back: float | None = None


def restore(
  source: str | os.PathLike | bytes | np.ndarray | Image.Image,
  model: str = "default",
  quality: int = 0,
  strength: float = 1.0,
  faithful: bool = True,
  self_ensemble: bool = False,
) -> np.ndarray:
  """Returns a restored photograph, turned the way a viewer shows it.

  Args:
    source: a file; or what a file holds; or pixels: uint8 [H, W, 3] RGB, uint8 [H, W] gray or
      uint16 [H, W] gray; or an image of Pillow, which gives its pixels alone.
    model: pretrained network, "default" or "fast", or FILE.onnx of deblock-export. It is loaded
      once.
    quality: IJG quality of the JPEG; 0 takes the tables of a JPEG file, and looks for traces in
      other pixels. Without traces, and from quality 98 on, the pixels come back unchanged.
    strength: 1 for all of the correction, 0 for none. At good quality the network's output counts
      only in part, see `fading`.
    faithful: whether the result keeps the coefficients of a JPEG file: rounded by the file's tables
      they are the file's, except for what rounding to 8 bits and blending change. Pixels, and files
      whose coefficients cannot be read, such as CMYK, are restored freely. Without jpeglib every
      file is.
    self_ensemble: whether the photograph is restored in its eight positions and the mean taken: a
      little nearer, for eight times the work.
  Returns:
    uint8 [H, W, 3], uint8 [H, W] or uint16 [H, W]. Transparency is left out.
  Raises:
    ImageError: a ValueError that names the file and what is wrong with it.
    ValueError: if an argument is out of range, or an array is no image.
  """
  found, _ = opened(source)
  made = restore_original(
    found, shipped(model, self_ensemble), quality, strength, faithful=faithful
  )
  # Neither a view, nor the caller's own array.
  return np.array(original.upright(made.samples, found.orientation))


def opened(
  source: str | os.PathLike | bytes | np.ndarray | Image.Image,
) -> tuple[original.Original, bytes]:
  """Returns an image given as in `restore`, and the bytes of its file; none of pixels.

  Raises:
    ImageError: as `restore`.
    ValueError: the same.
  """
  if isinstance(source, Image.Image):
    return _of_array(_pixels(source)), b""
  if isinstance(source, np.ndarray):
    return _of_array(source), b""
  if isinstance(source, bytes):
    return original.decode(source, "the data"), source
  path = os.fspath(source)
  data = reading.read_bytes(path)
  return original.decode(data, path), data


@functools.lru_cache(maxsize=2)
def shipped(model: str, self_ensemble: bool = False) -> tiling.Tiled:
  """Returns the network of `restore`, which is kept."""
  return network_lib.load(model, self_ensemble=self_ensemble)


def restore_original(
  found: original.Original,
  network: tiling.Tiled,
  quality: int = 0,
  strength: float = 1.0,
  on_part: Callable[[int], None] = lambda pixels: None,
  faithful: bool = True,
  depth: int = 8,
  shares: bool = False,
) -> Restored:
  """Returns what a network makes of a photograph.

  Args:
    found: the photograph.
    network: to restore with.
    quality: as in `restore`.
    strength: as in `restore`.
    on_part: called with the number of pixels after each part of the image.
    faithful: as in `restore`.
    depth: bits of the result's samples: 8, or 16. An original of 16 bits keeps them.
    shares: whether to find the share of coefficients that are given back, also if not faithful.
  Raises:
    ValueError: if quality or strength are out of range, or parts of a JPEG that is to be faithful
      do not begin and end with its blocks.
  """
  choices.check_strength(strength)
  condition = find_condition(found, quality)
  whole = _deep(found.samples) if depth == 16 else found.samples
  height, width = whole.shape[:2]
  if condition.tables is None:
    on_part(height * width)
    known, _ = _coefficients(found) if shares else (None, "")
    return Restored(whole, condition, given_back=_share_given_back(whole, known))
  known, obstacle = _coefficients(found) if faithful or shares else (None, "")
  coefficients, obstacle = (known, obstacle) if faithful else (None, "")
  # What surrounds a part stays as it is.
  samples = np.empty_like(whole) if condition.part is None else whole.copy()
  seen, made = (_part(pixels, condition) for pixels in (found.samples, samples))
  top_left = (
    (condition.left, condition.top) if condition.turned else (condition.top, condition.left)
  )
  above, before = (-first % jpeg_sampling.BLOCK for first in top_left)
  shown = _shown(seen, above, before)
  luma, chroma = fading.shares(condition.tables, found.header, coefficients is not None)
  doubted = blocks = 0
  for top, left, restored in network.parts(shown, condition.tables):
    # What the padding added is taken off again.
    first = max(0, above - top), max(0, before - left)
    restored = restored[first[0] :, first[1] :]
    place = _place(top + first[0] - above, left + first[1] - before, restored.shape)
    if restored.size:
      if found.samples.ndim == 2:
        restored = restored @ _LUMA
      if coefficients is not None:
        held = cells.hold(restored, seen[place], coefficients, place[0].start, place[1].start)
        restored = held.image
        doubted, blocks = doubted + held.doubted, blocks + held.blocks
      compressed = _to_8_bits(seen[place]) / np.float32(255.0)
      restored = fading.faded(restored, compressed, luma, chroma)
      made[place] = _finished(restored, compressed, seen[place], strength, depth)
      on_part(made[place].shape[0] * made[place].shape[1])
  if untouched := height * width - made.shape[0] * made.shape[1]:
    on_part(untouched)
  notes = (f"restored freely: {obstacle}",) if obstacle else ()
  kept_close = doubted / blocks if blocks else None
  if kept_close is not None and kept_close > _MANY_DOUBTED:
    notes = (f"kept close to the JPEG in {100 * kept_close:.0f} % of the blocks",)
  given_back = _share_given_back(samples, known if shares else None)
  return Restored(samples, condition, notes, kept_close, given_back)


def _share_given_back(samples, coefficients):
  return None if coefficients is None else cells.share_given_back(samples, coefficients)


def find_condition(found: original.Original, quality: int = 0) -> Condition:
  """Returns what is known of a photograph's JPEG: by its file, else by its pixels.

  Args:
    found: the photograph.
    quality: IJG quality that replaces what is known of the tables; 0 to replace nothing.
  Raises:
    ValueError: if the quality is out of range.
  """
  if quality:
    jpeg_tables.check_quality(quality)
  header = found.header
  if header is not None and header.tables is not None:
    if quality:
      tables = jpeg_tables.quantization_tables(quality)
      return Condition(tables, 0, 0, f"quality {quality} as asked, {header}")
    nearest = jpeg_encoders.nearest_quality(header.tables)
    if nearest >= _GOOD:
      source = f"quality {nearest} by its own tables, {header}: pixels left as they are"
      return Condition(None, 0, 0, source)
    if min(found.samples.shape[:2]) < _SMALLEST:
      source = f"smaller than {_SMALLEST} pixels, {header}: pixels left as they are"
      return Condition(None, 0, 0, source)
    return Condition(header.tables, 0, 0, f"quality {nearest} by its own tables, {header}")
  pixels = _to_8_bits(found.samples)
  traces = jpeg_traces.find(pixels)
  top, left = (traces.top, traces.left) if traces else (0, 0)
  place = f"blocks begin at row {top}, column {left}"
  if quality:
    told = place if traces else "no traces of JPEG, so blocks begin at the first pixel"
    return Condition(
      jpeg_tables.quantization_tables(quality), top, left, f"quality {quality} as asked, {told}"
    )
  if traces is not None:
    return _of_traces(traces, place, None)
  part = screenshots.find(pixels)
  if part is None:
    return Condition(None, 0, 0, "no traces of JPEG: pixels left as they are")
  rows, columns = part.rows, part.columns
  size = f"{columns.stop - columns.start}x{rows.stop - rows.start} pixels"
  place = f"of {size} at row {rows.start}, column {columns.start}: only that part is restored"
  return _of_traces(part.traces, place, (rows, columns))


def _of_traces(traces, place, part):
  tables = jpeg_tables.quantization_tables(traces.quality)
  if traces.turned:
    place = f"turned by 90 degrees, {place}"
  pixels = "pixels" if part is None else "a photograph inside the image"
  source = f"quality {traces.quality} found in {'the ' if part is None else ''}{pixels}, {place}"
  return Condition(tables, traces.top, traces.left, source, traces.turned, part)


def _coefficients(found):
  """Returns the coefficients of a gray or YCbCr JPEG, or None and why this file has none."""
  if found.header is None:
    return None, "it is no JPEG file"
  if jpeg_coefficients.missing():
    # A set of files says so once.
    return None, ""
  if found.header.colours not in ("gray", "YCbCr"):
    return None, f"its colours are {found.header.colours}"
  try:
    coefficients = jpeg_coefficients.read(found.data)
  except jpeg_coefficients.CoefficientsError as error:
    return None, str(error)
  except OSError as error:
    return None, f"its coefficients cannot be read ({error.strerror or error})"
  size = coefficients.height, coefficients.width
  planes = 1 if found.samples.ndim == 2 else 3
  if size != found.samples.shape[:2] or len(coefficients.planes) != planes:
    return None, "its coefficients are those of another image"
  return coefficients, ""


def _pixels(picture):
  """Returns the pixels of an image of Pillow in one of the forms that `restore` takes."""
  if picture.mode in ("L", "RGB", "I;16"):
    return np.asarray(picture)
  return np.asarray(picture.convert("L" if picture.mode in ("1", "LA") else "RGB"))


def _of_array(samples):
  deep = samples.dtype == np.uint16 and samples.ndim == 2
  colour = samples.ndim == 3 and samples.shape[2] == 3
  if (
    not (deep or (samples.dtype == np.uint8 and (colour or samples.ndim == 2))) or not samples.size
  ):
    raise ValueError(
      "an image must be uint8 [H, W, 3], uint8 [H, W] or uint16 [H, W], got "
      f"{samples.dtype} {list(samples.shape)}."
    )
  return original.Original(samples, None, 1, "", None, metadata.Metadata(), ())


def _to_8_bits(samples):
  if samples.dtype == np.uint8:
    return samples
  return np.rint(samples / np.float32(257.0)).astype(np.uint8)


def _shown(samples, above, before):
  """Returns what the network sees, uint8 [H, W, 3], whose first pixel is the first of a block."""
  samples = _to_8_bits(samples)
  if above or before:
    # Mirrored, the part of a block that is there goes on as smoothly as the image does.
    margins = ((above, 0), (before, 0)) + ((0, 0),) * (samples.ndim - 2)
    samples = np.pad(samples, margins, "symmetric")
  return np.repeat(samples[..., None], 3, axis=2) if samples.ndim == 2 else samples


def _part(pixels, condition):
  """Returns the pixels that were a JPEG, in the JPEG's order; a view."""
  pixels = pixels if condition.part is None else pixels[condition.part]
  return pixels.swapaxes(0, 1) if condition.turned else pixels


def _place(top, left, shape):
  return slice(top, top + shape[0]), slice(left, left + shape[1])


def _deep(samples):
  """Returns samples of 16 bits that mean the same."""
  return samples if samples.dtype == np.uint16 else samples * np.uint16(257)


def _finished(restored, compressed, samples, strength, depth):
  """Returns a part's samples from what was made of it, what it was, and the original's."""
  if samples.dtype == np.uint16 or depth == 16:
    samples = _deep(samples)
    # The correction alone is added, so that the finer levels stay.
    deep = samples + 65535.0 * strength * (restored - compressed)
    return np.rint(np.clip(deep, 0.0, 65535.0)).astype(np.uint16)
  if strength < 1.0:
    restored = compressed + np.float32(strength) * (restored - compressed)
  return tiling.to_bytes(restored)

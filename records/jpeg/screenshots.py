"""Finds a photograph that was a JPEG inside a larger image, such as a screenshot.

First, squares of the image are searched for traces of JPEG, as whole images are; they vote for a
grid and a quality. Then each block gets a score: how well it fits that grid and quality. The
photograph is the rectangle with the largest sum of scores.
"""

from typing import NamedTuple

import numpy as np

from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.jpeg import traces as jpeg_traces

_BLOCK = jpeg_sampling.BLOCK
_SQUARE = 64  # Side of what is searched at a time.
_MOST_SQUARES = 128
# A square with more pixels of one level than this share shows text or a plain background.
_MOST_OF_ONE = 0.25
_FEWEST_BLOCKS = 6  # Along each side of the photograph.
_MOST_LINES = 256  # Rows or columns of blocks; in larger images several share one score.
_LIKELY_PLACES = 2  # Rows, and columns, that are tried as the start of a square's blocks.
_LARGEST = 2**24  # Pixels of an image that is searched; bounds the memory.
# The score of a block without large coefficients is minus this: it keeps flat surroundings out.
_EMPTY = 0.02


class Part(NamedTuple):
  """A photograph inside an image.

  Attributes:
    traces: of JPEG, with the grid's place counted from the photograph's first pixel.
    rows: that it takes.
    columns: the same.
  """

  traces: jpeg_traces.Traces
  rows: slice
  columns: slice


def find(pixels: np.ndarray) -> Part | None:
  """Returns the photograph in an image that is no JPEG as a whole; None if none is certain.

  Args:
    pixels: uint8 [H, W, 3] RGB or [H, W] gray.
  """
  height, width = pixels.shape[:2]
  if min(height, width) < _FEWEST_BLOCKS * _BLOCK or height * width > _LARGEST:
    return None
  luma = jpeg_traces.to_luma(pixels)
  clipped = jpeg_traces.is_clipped(pixels)
  grid = _likeliest_grid(luma, clipped)
  if grid is None:
    return None
  top, left, quality, turned = grid
  gains, counts = _block_gains(luma[top:, left:], clipped[top:, left:], quality, turned)
  rows, columns = _best_rectangle(gains)
  certain = jpeg_traces.is_certain(gains[rows, columns].sum(), counts[rows, columns].sum())
  if not certain or min(gains[rows, columns].shape) < _FEWEST_BLOCKS:
    return None
  rows = slice(top + _BLOCK * rows.start, top + _BLOCK * rows.stop)
  columns = slice(left + _BLOCK * columns.start, left + _BLOCK * columns.stop)
  rows, columns = _with_borders(luma, rows, columns)
  place = (top - rows.start) % _BLOCK, (left - columns.start) % _BLOCK
  return Part(jpeg_traces.Traces(quality, *place, turned), rows, columns)


def _likeliest_grid(luma, clipped):
  """Returns (top, left, quality, turned) of the likeliest grid; None if no square is certain."""
  found: dict[tuple[int, int], np.ndarray] = {}
  across, down = _jumps(luma), _jumps(luma.T)
  for top, left in _squares(luma):
    rows, columns = slice(top, top + _SQUARE), slice(left, left + _SQUARE)
    for place in _likely_places(across[rows, columns], down[columns, rows], top, left):
      gains = _square_gains(luma[rows, columns], clipped[rows, columns], top, left, place)
      if gains is not None:
        found[place] = found.get(place, 0.0) + gains
  if not found:
    return None
  place = max(found, key=lambda place: found[place].max())
  best = jpeg_traces.likeliest(found[place])
  return *place, best.quality, best.turned


def _squares(luma):
  """Returns the first pixels of squares that may belong to a photograph, as (top, left)."""
  found = []
  for top in range(0, luma.shape[0] - _SQUARE // 2, _SQUARE):
    for left in range(0, luma.shape[1] - _SQUARE // 2, _SQUARE):
      levels = luma[top : top + _SQUARE, left : left + _SQUARE].astype(np.uint8)
      if np.bincount(levels.ravel()).max() < _MOST_OF_ONE * levels.size:
        found.append((top, left))
  return found[:: -(-len(found) // _MOST_SQUARES) or 1]


def _jumps(luma):
  """Returns by how much each column of pixels differs from the one before, beyond its neighbours.

  The difference is larger at the borders of blocks than inside them.
  """
  steps = np.abs(np.diff(luma, axis=1, prepend=luma[:, :1]))
  around = (np.roll(steps, 1, axis=1) + np.roll(steps, -1, axis=1)) / 2
  # A few strong edges, as letters have, would outweigh all blocks.
  return np.clip(steps - around, -4.0, 4.0)


def _likely_places(across, down, top, left):
  """Returns where in a square blocks may begin, as (row, column) of the image modulo 8."""
  rows, columns = (
    (np.argsort(-_by_phase(jumps, start))[:_LIKELY_PLACES]).tolist()
    for jumps, start in ((down, top), (across, left))
  )
  return [(row, column) for row in rows for column in columns]


def _by_phase(jumps, start):
  sums = jumps.sum(axis=0)
  phases = (start + np.arange(len(sums))) % _BLOCK
  return np.bincount(phases, sums, _BLOCK)


def _square_gains(luma, clipped, top, left, place):
  """Returns the likelihoods of a square's grid; None if it is not certain."""
  first = [(row - start) % _BLOCK for row, start in zip(place, (top, left), strict=True)]
  blocks = _blocks(luma[first[0] :, first[1] :])
  usable = ~_blocks(clipped[first[0] :, first[1] :]).any(axis=(2, 3))
  coefficients = jpeg_traces.low_frequencies(blocks[usable])
  gains = jpeg_traces.likelihoods(coefficients)
  count = jpeg_traces.is_large(coefficients).sum()
  return gains if jpeg_traces.is_certain(gains.max(), count) else None


def _blocks(image):
  """Returns the whole blocks of an image, [rows, columns, 8, 8]."""
  rows, columns = (side // _BLOCK for side in image.shape)
  cut = image[: rows * _BLOCK, : columns * _BLOCK]
  return cut.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)


def _block_gains(luma, clipped, quality, turned):
  """Returns the score of each block for a quality, and its number of large coefficients."""
  steps = jpeg_tables.quantization_tables(quality)[0].astype(np.float32)
  steps = steps.T if turned else steps
  coefficients = jpeg_traces.low_frequencies(_blocks(luma))
  large = jpeg_traces.is_large(coefficients)
  # Clipping moves coefficients: clipped blocks do not count.
  large &= ~_blocks(clipped).any(axis=(2, 3))[..., None, None]
  gains = jpeg_traces.value_gains(coefficients, steps[: large.shape[2], : large.shape[3]])
  counts = large.sum(axis=(2, 3))
  return np.where(large, gains, 0.0).sum(axis=(2, 3)) - _EMPTY * (counts == 0), counts


def _best_rectangle(gains):
  """Returns the rows and columns of blocks with the largest sum."""
  size = -(-max(gains.shape) // _MOST_LINES)
  padded = np.pad(gains, [(0, -side % size) for side in gains.shape])
  rows, columns = (side // size for side in padded.shape)
  coarse = padded.reshape(rows, size, columns, size).sum(axis=(1, 3))
  best, found = -np.inf, (0, 0, 0, 0)
  sums = np.concatenate([np.zeros((1, columns)), coarse.cumsum(axis=0)])
  for top in range(rows):
    # Kadane's algorithm, for all last rows at once.
    along = (sums[top + 1 :] - sums[top]).cumsum(axis=1)
    along = np.concatenate([np.zeros((len(along), 1)), along], axis=1)
    lowest = np.minimum.accumulate(along, axis=1)
    place = np.unravel_index(np.argmax(along - lowest), along.shape)
    if (along - lowest)[place] > best:
      best = (along - lowest)[place]
      row, stop = (int(index) for index in place)
      found = top, top + row + 1, int(np.argmin(along[row, : stop + 1])), stop
  top, bottom, left, right = (line * size for line in found)
  rows, columns = slice(top, bottom), slice(left, right)
  rows = _trimmed(gains[:, columns].sum(axis=1), rows)
  return rows, _trimmed(gains[rows].sum(axis=0), columns)


def _trimmed(sums, lines):
  """Returns lines without those at either end whose sum is not positive."""
  speaking = lines.start + np.flatnonzero(sums[lines] > 0)
  return slice(int(speaking[0]), int(speaking[-1]) + 1) if len(speaking) else slice(0, 0)


def _with_borders(luma, rows, columns):
  """Returns a rectangle, extended by the flat and the cut blocks of the photograph around it.

  Lines of pixels are added up to the first line of one colour, which belongs to the surroundings.
  If there is none within a quarter of the rectangle, nothing is added.
  """
  top, bottom = _grown(luma[:, columns], rows)
  left, right = _grown(luma[top:bottom].T, columns)
  return slice(top, bottom), slice(left, right)


def _grown(luma, lines):
  """Returns the first line and the one after the last."""
  flat = np.ptp(luma, axis=1) < 1.0
  most = (lines.stop - lines.start) // 4
  before = np.flatnonzero(flat[max(0, lines.start - most) : lines.start][::-1])
  after = np.flatnonzero(flat[lines.stop : lines.stop + most])
  at_top, at_bottom = lines.start <= most, lines.stop + most >= len(luma)
  first = lines.start - int(before[0]) if len(before) else (0 if at_top else lines.start)
  last = lines.stop + int(after[0]) if len(after) else (len(luma) if at_bottom else lines.stop)
  return first, last

"""Cuts images into tiles that cover them, with NumPy only."""

from collections.abc import Iterator

import numpy as np

from deblock.records.jpeg import sampling


def check_tile_size(tile_size: int) -> int:
  """Returns the tile size after checking it.

  Raises:
    ValueError: unless it is a multiple of 16, or 0 for whole images.
  """
  if tile_size < 0 or tile_size % sampling.MCU:
    raise ValueError(
      f"tile_size must be a multiple of {sampling.MCU}, the side of a JPEG's coded unit with 4:2:0 "
      f"chroma, or 0 for whole images, got {tile_size}."
    )
  return tile_size


def tile_offsets(
  height: int, width: int, tile_size: int, stride: int = 0
) -> tuple[tuple[int, int], ...]:
  """Returns the corners of the tiles that cover an image, row by row.

  Without a stride, the fewest tiles are spaced evenly from edge to edge; neighbours overlap if the
  image's side is not a multiple of the tile's. With a stride, tiles lie at its multiples, and one
  more tile ends at the edge if they do not reach it.

  Args:
    height: of the image, in pixels.
    width: of the image, in pixels.
    tile_size: side of the square tiles, or 0 for one tile that is the whole image.
    stride: pixels from one tile to the next, or 0. A stride larger than the tile leaves gaps.
  Returns:
    (row, column) pairs in pixels.
  Raises:
    ValueError: if the tile size is not a multiple of 16, or the image is smaller than one tile.
  """
  check_tile_size(tile_size)
  if tile_size == 0:
    return ((0, 0),)
  if min(height, width) < tile_size:
    raise ValueError(
      f"is {width}x{height} pixels, smaller than one {tile_size}x{tile_size} tile; "
      "use a smaller --tile_size"
    )
  columns = _offsets(width, tile_size, stride)
  return tuple((row, column) for row in _offsets(height, tile_size, stride) for column in columns)


def cut(image: np.ndarray, offset: tuple[int, int], tile_size: int) -> np.ndarray:
  """Returns the tile whose corner is at `offset`, a view [tile_size, tile_size, C] of [H, W, C].

  Args:
    image: [H, W, C] of any dtype.
    offset: row and column, one of `tile_offsets`.
    tile_size: 0 returns the whole image.
  """
  if tile_size == 0:
    return image
  row, column = offset
  return image[row : row + tile_size, column : column + tile_size]


def detail(tile: np.ndarray) -> float:
  """Returns the detail of a tile: the mean step between neighbouring pixels, in levels.

  This is the mean over both directions of the absolute differences of green, which is most of luma.
  Tiles of 256 pixels of the Kodak images have from 0.7 (plain sky) to 24 (dense foliage), and a
  median of 7.

  Args:
    tile: uint8 [H, W, 3].
  """
  green = tile[..., 1].astype(np.int16)
  steps = [np.abs(np.diff(green, axis=axis)).mean() for axis in (0, 1) if green.shape[axis] > 1]
  return float(np.mean(steps)) if steps else 0.0


def _offsets(length, tile_size, stride) -> Iterator[int] | tuple[int, ...]:
  last = length - tile_size
  if stride:
    offsets = tuple(range(0, last + 1, stride))
    flush = stride <= tile_size and offsets[-1] != last
    return (*offsets, last) if flush else offsets
  count = -(-length // tile_size)
  if count == 1:
    return (0,)
  return tuple(i * last // (count - 1) for i in range(count))

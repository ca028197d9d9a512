"""Cuts images into tiles that cover them. Knows NumPy only."""

from collections.abc import Iterator

import numpy as np

# The side of a minimum coded unit with 4:2:0 chroma: no tile then ends inside one.
MCU_SIDE = 16


def check_tile_size(tile_size: int) -> int:
  """Returns the tile size after checking it.

  Raises:
    ValueError: unless it is a multiple of 16, or 0 for whole images.
  """
  if tile_size < 0 or tile_size % MCU_SIDE:
    raise ValueError(
      f"tile_size must be a multiple of {MCU_SIDE}, the side of a JPEG's coded unit with 4:2:0 "
      f"chroma, or 0 for whole images, got {tile_size}."
    )
  return tile_size


def tile_offsets(height: int, width: int, tile_size: int) -> tuple[tuple[int, int], ...]:
  """Returns the corners of the fewest tiles that cover an image, row by row.

  They are spaced evenly: the first lies at 0, the last ends flush with the far edge, and where the
  size is no multiple of the tile's the neighbours overlap a little.

  Args:
    height: of the image, in pixels.
    width: likewise.
    tile_size: side of the square tiles, or 0 for one tile that is the whole image.
  Returns:
    (row, column) pairs in pixels.
  Raises:
    ValueError: if the tile size is no multiple of 16 or the image is smaller than one tile.
  """
  check_tile_size(tile_size)
  if tile_size == 0:
    return ((0, 0),)
  if min(height, width) < tile_size:
    raise ValueError(
      f"is {width}x{height} pixels, smaller than one {tile_size}x{tile_size} tile; "
      "use a smaller --tile_size"
    )
  columns = _offsets(width, tile_size)
  return tuple((row, column) for row in _offsets(height, tile_size) for column in columns)


def cut(image: np.ndarray, tile_size: int) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
  """Yields ((row, column), tile) for each tile that covers the image.

  Args:
    image: [H, W, C] of any dtype.
    tile_size: as in `tile_offsets`.
  Yields:
    the corner in pixels, and a view [tile_size, tile_size, C] of the image.
  Raises:
    ValueError: as `tile_offsets`, when the first tile is asked for.
  """
  height, width = image.shape[:2]
  for row, column in tile_offsets(height, width, tile_size):
    if tile_size == 0:
      yield (row, column), image
    else:
      yield (row, column), image[row : row + tile_size, column : column + tile_size]


def _offsets(length, tile_size):
  count = -(-length // tile_size)
  if count == 1:
    return (0,)
  return tuple(i * (length - tile_size) // (count - 1) for i in range(count))

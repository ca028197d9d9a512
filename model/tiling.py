"""Runs a network, from any library, over images of any size, tile by tile."""

from collections.abc import Callable, Iterator
import functools
from typing import NamedTuple

import numpy as np

from deblock.model import self_ensemble
from deblock.model.networks import config
from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
TILE = 128  # Side of the tiles of networks that need not run block by block, in pixels.
TILE_WITH_CONTEXT = 768  # Of networks that keep the size: they restore the context too, in vain.
# Larger images take much memory themselves. Their tiles are no larger than the usual one.
MANY_PIXELS = 2**26
PIXELS_PER_CALL = 16384  # Output pixels of one call: 256 blocks, or one tile; bounds the memory.


def usual_tile(traits: config.Traits) -> int:
  """Returns the default side of a network's tiles, in pixels.

  8 for a blockwise network, `TILE_WITH_CONTEXT` for one that keeps the size, else `TILE`.
  """
  if traits.blockwise:
    return _BLOCK
  return TILE_WITH_CONTEXT if traits.keeps_size else TILE


class Part(NamedTuple):
  """A part of a restored image.

  Attributes:
    top: its first row in the image.
    left: its first column.
    restored: float32 [h, w, 3], the network's output, unbounded.
  """

  top: int
  left: int
  restored: np.ndarray


def to_bytes(restored):
  """Returns restored samples, float32 of any shape, clipped to [0, 1] and rounded to uint8."""
  return np.rint(np.clip(restored, 0.0, 1.0) * 255.0).astype(np.uint8)


class Tiled:
  """A network that runs over an image tile by tile.

  Args:
    run: float32 tiles [B, h, w, 3] in [0, 1] and float32 tables [1, 2, 8, 8] of all of them to the
      network's output, float32 [B, h', w', 3].
    traits: of the network.
    tile: side of a tile in pixels; None for `usual_tile`. It may be smaller in large images.
    ensemble: whether to average the eight positions of each tile (`self_ensemble`).
  Raises:
    ValueError: if the tile is not a positive multiple of 8.
  """

  def __init__(
    self,
    run: Callable[[np.ndarray, np.ndarray], np.ndarray],
    traits: config.Traits,
    tile: int | None = None,
    ensemble: bool = False,
  ):
    tile = usual_tile(traits) if tile is None else tile
    if tile <= 0 or tile % _BLOCK:
      raise ValueError(f"tile must be a positive multiple of 8, the JPEG block side, got {tile}.")
    self.traits = traits
    self._tile = tile
    # A network that keeps no size sees squares of whole blocks.
    grid = jpeg_sampling.MCU if traits.keeps_size else 1
    self._run = functools.partial(self_ensemble.mean, run, grid=grid) if ensemble else run

  def __call__(self, compressed, tables=None):
    """Returns the restored image.

    Args:
      compressed: uint8 [H, W, 3], a decoded JPEG whose block grid starts at its first pixel.
      tables: [2, 8, 8], its quantisation steps of luma and chroma, natural order; optional for
        a network that is not conditioned.
    Returns:
      uint8 [H, W, 3]: the network's output, clipped to [0, 1] and rounded, as the protocol asks.
    Raises:
      ValueError: if the image is not uint8 [H, W, 3], or the tables are missing or misshapen.
    """
    whole = np.empty_like(compressed)
    for top, left, restored in self.parts(compressed, tables):
      height, width, _ = restored.shape
      whole[top : top + height, left : left + width] = to_bytes(restored)
    return whole

  def parts(self, compressed, tables=None) -> Iterator[Part]:
    """Yields the restored image in parts that cover it once, not clipped or rounded.

    With a network that keeps the size each tile is a part, as soon as it is computed; otherwise the
    image is one part. Arguments and errors as in `__call__`; errors are raised before any work.
    """
    if compressed.ndim != 3 or compressed.shape[2] != 3 or compressed.dtype != np.uint8:
      raise ValueError(
        f"an image must be uint8 [H, W, 3], got {compressed.dtype} {list(compressed.shape)}."
      )
    if tables is None and self.traits.conditioned:
      raise ValueError(f"{self.traits.name} needs the JPEG's quantisation tables, got none.")
    tables = np.ones((2, _BLOCK, _BLOCK)) if tables is None else np.asarray(tables)
    if tables.shape != (2, _BLOCK, _BLOCK):
      raise ValueError(f"tables must have shape [2, 8, 8], got {list(tables.shape)}.")
    tables = tables[np.newaxis].astype(np.float32)
    if self.traits.keeps_size:
      return self._by_windows(compressed, tables)
    return iter((Part(0, 0, self._by_tiles(compressed, tables)),))

  def _by_windows(self, compressed, tables):
    """Yields each tile; the network sees it with its context inside the image."""
    height, width, _ = compressed.shape
    tile, context = self._tile, self.traits.context
    if height * width > MANY_PIXELS:
      tile = min(tile, TILE_WITH_CONTEXT)
    for top in range(0, height, tile):
      for left in range(0, width, tile):
        first_row, first_column = max(0, top - context), max(0, left - context)
        window = compressed[
          first_row : top + tile + context, first_column : left + tile + context
        ] / np.float32(255.0)
        made = np.asarray(self._run(window[np.newaxis], tables))
        made = made[0, top - first_row :, left - first_column :]
        yield Part(top, left, made[:tile, :tile])

  def _by_tiles(self, compressed, tables):
    """Returns float32 [H, W, 3]; many tiles per call, with the image padded beyond its border."""
    height, width, _ = compressed.shape
    padded, rows, columns = self._pad(compressed)
    side, tile = self._tile + 2 * self.traits.context, self._tile
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    windows = windows[::tile, ::tile].transpose(0, 1, 3, 4, 2)
    tiles = windows.reshape(rows * columns, side, side, 3)
    per_call = max(1, PIXELS_PER_CALL // tile**2)
    restored = np.concatenate(
      [
        self._run(tiles[start : start + per_call] / np.float32(255.0), tables)
        for start in range(0, len(tiles), per_call)
      ]
    )
    image = restored.reshape(rows, columns, tile, tile, 3).swapaxes(1, 2)
    return image.reshape(rows * tile, columns * tile, 3)[:height, :width]

  def _pad(self, image):
    """Returns the image with its surroundings, and the number of rows and columns of tiles."""
    height, width, _ = image.shape
    rows, columns = -(-height // self._tile), -(-width // self._tile)
    context = self.traits.context
    margins: tuple[tuple[int, int], ...] = (
      (context, rows * self._tile - height + context),
      (context, columns * self._tile - width + context),
      (0, 0),
    )
    # Mirrored with the edge pixel repeated ("symmetric"), a block's neighbour beyond the border is
    # the block itself, mirrored, and the block grid continues.
    if self.traits.border == "mirror":
      return np.pad(image, margins, "symmetric"), rows, columns
    return np.pad(image, margins, "constant"), rows, columns

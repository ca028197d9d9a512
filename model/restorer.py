"""Restores images of any size with a network, tile by tile."""

from collections.abc import Iterator
import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deblock.model import self_ensemble
from deblock.model.networks import registry

BLOCK = 8
_CHROMA_GRID = 16  # Of the largest blocks, those of subsampled chroma.
TILE = 128  # Side of the tiles of networks that need not run block by block, in pixels.
# Networks that keep the size see each tile with its context, which is computed in vain.
TILE_WITH_CONTEXT = 768
PIXELS_PER_CALL = 16384  # Output pixels of one call: 256 blocks, or one tile; bounds the memory.


def usual_tile(entry: registry.Entry) -> int:
  """Returns the side in pixels of what a network restores at a time, unless told otherwise.

  8 for a blockwise network, `TILE_WITH_CONTEXT` for one that keeps the size, else `TILE`.
  """
  if entry.blockwise:
    return BLOCK
  return TILE_WITH_CONTEXT if entry.keeps_size else TILE


class Part(NamedTuple):
  """A part of a restored image.

  Attributes:
    top: its first row in the image.
    left: its first column.
    restored: float32 [h, w, 3], the network's output, which [0, 1] does not bound.
  """

  top: int
  left: int
  restored: np.ndarray


def to_bytes(restored):
  """Returns restored samples, float32 of any shape, clipped to [0, 1] and rounded to uint8."""
  return np.rint(np.clip(restored, 0.0, 1.0) * 255.0).astype(np.uint8)


def with_constants(network):
  """Returns the network's inference with its present weights written into the graph.

  oneDNN lays out a kernel that is a constant for its fastest convolutions, once; with a variable
  it takes ones that are five times as slow on a single image, and on some kernels far more.

  Args:
    network: keras.Model.
  Returns:
    A function of the network's inputs, to be compiled, to its output.
  """
  # Copies: a variable's own memory may be what it is assigned to next.
  trainable, fixed = (
    [np.array(variable.numpy()) for variable in variables]
    for variables in (network.trainable_variables, network.non_trainable_variables)
  )

  def call(inputs):
    weights = ([tf.constant(value) for value in values] for values in (trainable, fixed))
    restored, _ = network.stateless_call(*weights, inputs, training=False)
    return restored

  return call


class Restorer:
  """A network and how it is run over images of any size.

  A blockwise network (see `registry.Entry`) gets one 8x8 block with its surroundings at a time,
  many to a call; any other gets large tiles, with the same result to float tolerance. The tiles of
  a network that keeps the size end where the image does, so that it meets the image's border alone.
  A network that pools takes its means over a tile and its context, so the result is not the same
  for other tiles.

  Args:
    network: keras.Model built by `entry`.
    entry: what the registry says of it.
    tile: side of the square that is restored at a time, in pixels, a multiple of 8; None is
      `usual_tile`.
    constant: whether the weights stay as they are now, which makes restoring faster.
    ensemble: whether each tile is restored in its eight positions, see `self_ensemble`.
  Raises:
    ValueError: if `tile` is not a positive multiple of 8.
  """

  def __init__(
    self,
    network,
    entry: registry.Entry,
    tile: int | None = None,
    constant: bool = False,
    ensemble: bool = False,
  ):
    if tile is None:
      tile = usual_tile(entry)
    if tile <= 0 or tile % BLOCK:
      raise ValueError(f"tile must be a positive multiple of 8, the JPEG block side, got {tile}.")
    self._entry = entry
    self._tile = tile
    side = None if entry.keeps_size else tile + 2 * entry.context
    call = with_constants(network) if constant else functools.partial(network, training=False)
    run = tf.function(
      lambda tiles, tables: call(
        entry.inputs(tiles, tf.repeat(tables, tf.shape(tiles)[0], axis=0))
      ),
      input_signature=[
        tf.TensorSpec((None, side, side, 3), tf.float32),
        tf.TensorSpec((None, 2, BLOCK, BLOCK), tf.float32),
      ],
    )
    # A network that keeps no size sees squares of whole blocks.
    grid = _CHROMA_GRID if entry.keeps_size else 1
    self._run = functools.partial(self_ensemble.mean, run, grid=grid) if ensemble else run

  def __call__(self, compressed, tables=None):
    """Returns the restored image.

    Args:
      compressed: uint8 [H, W, 3], a decoded JPEG whose block grid starts at its first pixel.
      tables: [2, 8, 8], its quantisation steps of luma and chroma, natural order; a network that is
        not conditioned does without.
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
    """Yields the restored image in parts that cover it once, neither clipped nor rounded yet.

    A network that keeps the size yields each tile as soon as it is made; any other yields the image
    as one part. Arguments and errors are those of `__call__`, and errors come before any work.
    """
    if compressed.ndim != 3 or compressed.shape[2] != 3 or compressed.dtype != np.uint8:
      raise ValueError(
        f"an image must be uint8 [H, W, 3], got {compressed.dtype} {list(compressed.shape)}."
      )
    if tables is None and self._entry.conditioned:
      raise ValueError(f"{self._entry.name} needs the JPEG's quantisation tables, got none.")
    tables = np.ones((2, BLOCK, BLOCK)) if tables is None else np.asarray(tables)
    if tables.shape != (2, BLOCK, BLOCK):
      raise ValueError(f"tables must have shape [2, 8, 8], got {list(tables.shape)}.")
    tables = tables[np.newaxis].astype(np.float32)
    if self._entry.keeps_size:
      return self._by_windows(compressed, tables)
    return iter((Part(0, 0, self._by_tiles(compressed, tables)),))

  def _by_windows(self, compressed, tables):
    """Yields each tile, which is seen with what surrounds it inside the image."""
    height, width, _ = compressed.shape
    tile, context = self._tile, self._entry.context
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
    """Returns float32 [H, W, 3]; many tiles to a call, the image continued beyond its border."""
    height, width, _ = compressed.shape
    padded, rows, columns = self._pad(compressed)
    side, tile = self._tile + 2 * self._entry.context, self._tile
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
    context = self._entry.context
    margins: tuple[tuple[int, int], ...] = (
      (context, rows * self._tile - height + context),
      (context, columns * self._tile - width + context),
      (0, 0),
    )
    # Mirrored with the edge pixel repeated ("symmetric"), a block's neighbour beyond the border is
    # the block itself turned over, so that the block grid goes on.
    if self._entry.border == "mirror":
      return np.pad(image, margins, "symmetric"), rows, columns
    return np.pad(image, margins, "constant"), rows, columns

"""Restores images of any size with a network, tile by tile."""

import numpy as np
import tensorflow as tf

from deblock.model import registry

BLOCK = 8
TILE = 128  # Side of the tiles of networks that need not run block by block, in pixels.
PIXELS_PER_CALL = 16384  # Output pixels of one call: 256 blocks, or one tile; bounds the memory.


class Restorer:
  """A network and how it is run over images of any size.

  A blockwise network (see `registry.Entry`) gets one 8x8 block with its surroundings at a time,
  many to a call; any other gets large tiles, with the same result to float tolerance.

  Args:
    network: keras.Model built by `entry`.
    entry: what the registry says of it.
    tile: side of the square that is restored at a time, in pixels, a multiple of 8; None is 8 for a
      blockwise network, else `TILE`.
  Raises:
    ValueError: if `tile` is not a positive multiple of 8.
  """

  def __init__(self, network, entry: registry.Entry, tile: int | None = None):
    if tile is None:
      tile = BLOCK if entry.blockwise else TILE
    if tile <= 0 or tile % BLOCK:
      raise ValueError(f"tile must be a positive multiple of 8, the JPEG block side, got {tile}.")
    self._entry = entry
    self._tile = tile
    side = tile + 2 * entry.context
    self._run = tf.function(
      lambda tiles: network(tiles, training=False),
      input_signature=[tf.TensorSpec((None, side, side, 3), tf.float32)],
    )

  def __call__(self, compressed):
    """Returns the restored image.

    Args:
      compressed: uint8 [H, W, 3], a decoded JPEG whose block grid starts at its first pixel.
    Returns:
      uint8 [H, W, 3]: the network's output, clipped to [0, 1] and rounded, as the protocol asks.
    Raises:
      ValueError: if the image is not uint8 [H, W, 3].
    """
    if compressed.ndim != 3 or compressed.shape[2] != 3 or compressed.dtype != np.uint8:
      raise ValueError(
        f"an image must be uint8 [H, W, 3], got {compressed.dtype} {list(compressed.shape)}."
      )
    height, width, _ = compressed.shape
    padded, rows, columns = self._pad(compressed)
    side, tile = self._tile + 2 * self._entry.context, self._tile
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    windows = windows[::tile, ::tile].transpose(0, 1, 3, 4, 2)
    tiles = windows.reshape(rows * columns, side, side, 3)
    per_call = max(1, PIXELS_PER_CALL // tile**2)
    restored = np.concatenate(
      [
        self._run(tf.constant(tiles[start : start + per_call] / np.float32(255.0)))
        for start in range(0, len(tiles), per_call)
      ]
    )
    image = restored.reshape(rows, columns, tile, tile, 3).swapaxes(1, 2)
    image = image.reshape(rows * tile, columns * tile, 3)[:height, :width]
    return np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)

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

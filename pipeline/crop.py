"""Cutting squares on the JPEG's block grid."""

import tensorflow as tf

from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
# More squares than this are cut by one operation: each slice is a node of the graph.
_MOST_SLICES = 256

# Pixels from which on a slice's rows are long enough to be copied as fast as any other way.
_LONG_ROW = 64


def random_offsets(height, width, size, count, seed, grid=_BLOCK):
  """Returns the top left corners of `count` random crops, all on the grid of 8x8 blocks.

  Drawn uniformly and independently of each other, so that none of an image's places is preferred.

  Args:
    height: int or int32 scalar tensor, of the image.
    width: likewise.
    size: side of a crop in pixels.
    count: number of crops.
    seed: int64 [2].
    grid: the corners are multiples of this: 8, or 16 to have chroma blocks start there as well.
  Returns:
    int32 [count, 2], rows and columns.
  Raises:
    InvalidArgumentError: if the image is smaller than a crop.
  """
  smallest = tf.minimum(height, width)
  check = tf.debugging.assert_greater_equal(
    smallest,
    size,
    message=f"crop_size is larger than a tile of the records: cropping takes {size} pixels",
  )
  with tf.control_dependencies([check] if check is not None else []):
    places = (tf.stack([height, width]) - size) // grid + 1
  # The generator wants a scalar bound, so each axis has a draw of its own.
  drawn = [
    tf.random.stateless_uniform(
      (count,), tf.random.fold_in(seed, axis), minval=0, maxval=places[axis], dtype=tf.int32
    )
    for axis in (0, 1)
  ]
  return grid * tf.stack(drawn, axis=1)


def random_shifts(count, seed):
  """Returns how far crops are moved off the block grid, int32 [count, 2], in [0, 7] each.

  All 63 ways but the one that moves nothing have equal chance.

  Args:
    count: number of crops.
    seed: int64 [2].
  """
  drawn = tf.random.stateless_uniform((count,), seed, minval=1, maxval=_BLOCK**2, dtype=tf.int32)
  return tf.stack([drawn // _BLOCK, drawn % _BLOCK], axis=1)


def block_offsets(height, width):
  """Returns the corners of every whole 8x8 block in raster order, int32 [N, 2]."""
  rows, columns = tf.meshgrid(
    tf.range(height // _BLOCK) * _BLOCK, tf.range(width // _BLOCK) * _BLOCK, indexing="ij"
  )
  return tf.stack([tf.reshape(rows, [-1]), tf.reshape(columns, [-1])], axis=1)


def cut(image, offsets, size, on_grid=False):
  """Returns the squares of `size` pixels a side at `offsets`.

  Args:
    image: [H, W, C] of any dtype.
    offsets: int32 [N, 2], rows and columns of the squares' first pixels, inside the image.
    size: side in pixels.
    on_grid: whether all columns of `offsets` are multiples of 8, and so is `size`. The result is
      the same; small squares and many are then cut in a quarter of the time.
  Returns:
    [N, size, size, C], same dtype.
  Raises:
    ValueError: if `size` is no multiple of 8 with `on_grid`.
  """
  squares = cut_apart(image, offsets, size, on_grid)
  if tf.is_tensor(squares):
    return squares
  return tf.ensure_shape(tf.stack(squares), (len(squares), size, size, image.shape[2]))


def cut_apart(image, offsets, size, on_grid=False):
  """Returns the squares of `cut` as a list of tensors where that saves copying them, else stacked.

  Args:
    image: as in `cut`.
    offsets: as in `cut`.
    size: as in `cut`.
    on_grid: as in `cut`.
  Returns:
    N tensors [size, size, C], or one [N, size, size, C]; same dtype.
  Raises:
    ValueError: as `cut`.
  """
  if on_grid and size % _BLOCK:
    raise ValueError(f"size must be a multiple of 8 on the grid, got {size}.")
  few = offsets.shape[0] is not None and offsets.shape[0] <= _MOST_SLICES
  if few and not (on_grid and size < _LONG_ROW):
    # A slice copies whole rows, a gather pixel by pixel: a third of the time for 96x96.
    shape = (size, size, image.shape[2])
    corners = tf.unstack(tf.pad(offsets, [[0, 0], [0, 1]]))
    return [tf.slice(image, corner, shape) for corner in corners]
  # What is gathered is pieces of rows: on the grid as long as a block's, else single pixels.
  piece = _BLOCK if on_grid else 1
  padded = tf.pad(image, [[0, 0], [0, -tf.shape(image)[1] % piece], [0, 0]])
  height, width, channels = tf.unstack(tf.shape(padded))
  across = width // piece
  within = tf.range(size)[:, tf.newaxis] * across + tf.range(size // piece)[tf.newaxis, :]
  first = offsets[:, 0] * across + offsets[:, 1] // piece
  indices = first[:, tf.newaxis, tf.newaxis] + within[tf.newaxis]
  pieces = tf.gather(tf.reshape(padded, [height * across, piece * channels]), indices)
  squares = tf.reshape(pieces, [-1, size, size, channels])
  return tf.ensure_shape(squares, (offsets.shape[0], size, size, image.shape[2]))

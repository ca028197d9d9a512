"""Cuts squares out of images, on or off the JPEG's block grid."""

import tensorflow as tf

from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
# More squares than this are cut by one operation: each slice is a node of the graph.
_MOST_SLICES = 256

# From this side on, slices copy rows as fast as any other way.
_LONG_ROW = 64


def random_offsets(height, width, size, count, seed, grid=_BLOCK):
  """Returns the top left corners of `count` random crops, all on a grid.

  They are drawn uniformly and independently.

  Args:
    height: int or int32 scalar tensor, of the image.
    width: as `height`.
    size: side of a crop in pixels.
    count: number of crops.
    seed: int64 [2].
    grid: corners are multiples of it: 8, or 16 to start at blocks of 4:2:0 chroma too.
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
  # The generator takes a scalar bound, so each axis is drawn on its own.
  drawn = [
    tf.random.stateless_uniform(
      (count,), tf.random.fold_in(seed, axis), minval=0, maxval=places[axis], dtype=tf.int32
    )
    for axis in (0, 1)
  ]
  return grid * tf.stack(drawn, axis=1)


def random_shifts(count, seed):
  """Returns shifts of crops off the block grid, int32 [count, 2], each in [0, 7].

  All 63 shifts except (0, 0) are equally likely.

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
      the same; many small squares are cut in a quarter of the time.
  Returns:
    [N, size, size, C], same dtype.
  Raises:
    ValueError: if `on_grid` and `size` is not a multiple of 8.
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
    # A slice copies whole rows, a gather copies pixel by pixel.
    shape = (size, size, image.shape[2])
    corners = tf.unstack(tf.pad(offsets, [[0, 0], [0, 1]]))
    return [tf.slice(image, corner, shape) for corner in corners]
  # Gathers pieces of rows: of a block's width on the grid, else of one pixel.
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

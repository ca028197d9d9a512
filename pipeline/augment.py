"""The eight symmetries of a square, applied to images that belong together."""

import tensorflow as tf


def random_symmetry(images, tables, seed):
  """Flips and turns images in one of eight ways, all of them alike, with equal chance.

  An image on the block grid stays on it if its sides are multiples of 8. Transposing an image
  transposes its DCT blocks, and so the tables that quantised them.

  A decision for each crop would cost six times the copying: what a stack of crops takes has to be
  computed for all of them and then chosen from (480 microseconds a crop of 96x96, against 15 for
  its share of a whole tile that is turned before it is cut). Crops of many tiles are mixed anyway.

  Args:
    images: tuple of tensors [..., H, W, C].
    tables: [..., 8, 8], the quantisation steps.
    seed: int64 [2].
  Returns:
    The images and tables, same dtypes; [..., W, H, C] where the axes were exchanged.
  """
  mirror, flip, transpose = tf.unstack(
    tf.random.stateless_uniform((3,), seed, minval=0, maxval=2, dtype=tf.int32) > 0
  )
  turned = []
  for image in images:
    rows, columns = image.shape.rank - 3, image.shape.rank - 2
    image = _if(mirror, lambda image, axis=columns: tf.reverse(image, [axis]), image)
    image = _if(flip, lambda image, axis=rows: tf.reverse(image, [axis]), image)
    turned.append(_if(transpose, lambda image, axis=rows: _exchanged(image, axis), image))
  last = tables.shape.rank - 2
  return tuple(turned), _if(transpose, lambda tables: _exchanged(tables, last), tables)


def _if(decision, change, tensor):
  """Returns the changed tensor or the tensor itself; what is not decided for is not computed."""
  return tf.cond(decision, lambda: change(tensor), lambda: tensor)


def _exchanged(tensor, axis):
  """Returns a tensor with `axis` and the one behind it exchanged."""
  order = list(range(tensor.shape.rank))
  order[axis], order[axis + 1] = axis + 1, axis
  return tf.transpose(tensor, order)

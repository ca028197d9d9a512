"""The eight symmetries of a square: drawn once, applied to images that belong together."""

from typing import NamedTuple

import tensorflow as tf


class Symmetry(NamedTuple):
  """One of the eight, as three bool scalars: mirror, then flip, then transpose."""

  mirror: tf.Tensor
  flip: tf.Tensor
  transpose: tf.Tensor


def random_symmetry(seed) -> Symmetry:
  """Returns one of the eight symmetries, all equally likely.

  It is drawn for a whole tile, before crops are cut: turning each crop by a symmetry of its own
  computes every symmetry for all of them. Crops of many tiles are mixed anyway.

  Args:
    seed: int64 [2].
  """
  drawn = tf.random.stateless_uniform((3,), seed, minval=0, maxval=2, dtype=tf.int32)
  return Symmetry(*tf.unstack(drawn > 0))


def turned(image, symmetry: Symmetry):
  """Returns an image turned by a symmetry.

  An image on the block grid stays on it if its sides are multiples of 8.

  Args:
    image: [..., H, W, C] of any dtype.
    symmetry: of `random_symmetry`.
  Returns:
    Same dtype, [..., H, W, C], or [..., W, H, C] where it transposes.
  """
  rows, columns = image.shape.rank - 3, image.shape.rank - 2
  image = _if(symmetry.mirror, lambda image: tf.reverse(image, [columns]), image)
  image = _if(symmetry.flip, lambda image: tf.reverse(image, [rows]), image)
  return _if(symmetry.transpose, lambda image: _exchanged(image, rows), image)


def turned_tables(tables, symmetry: Symmetry):
  """Returns the quantisation steps of a turned JPEG, [..., 8, 8].

  Transposing an image transposes its DCT blocks, and so the tables. Mirroring only changes signs.
  """
  rows = tables.shape.rank - 2
  return _if(symmetry.transpose, lambda tables: _exchanged(tables, rows), tables)


def _if(decision, change, tensor):
  """Returns the changed tensor or the tensor itself; only the branch that is taken is computed."""
  return tf.cond(decision, lambda: change(tensor), lambda: tensor)


def _exchanged(tensor, axis):
  """Returns a tensor with `axis` and the next one exchanged."""
  order = list(range(tensor.shape.rank))
  order[axis], order[axis + 1] = axis + 1, axis
  return tf.transpose(tensor, order)

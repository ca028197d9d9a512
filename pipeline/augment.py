"""The eight symmetries of a square, applied to a stack of pairs."""

import tensorflow as tf


def random_symmetry(pairs, tables, seed):
  """Flips and turns each pair in one of eight ways, with equal chance.

  One decision covers all images of a pair. A crop on the block grid stays on it. Transposing an
  image transposes its DCT blocks, and so the tables that quantised them.

  Args:
    pairs: tuple of tensors [N, P, P, C]; image n of each belongs together.
    tables: [N, 2, 8, 8], the quantisation steps.
    seed: int64 [2].
  Returns:
    The pairs and tables, same shapes and dtypes.
  """
  count = tf.shape(tables)[0]
  decisions = tf.random.stateless_uniform((3, count), seed, minval=0, maxval=2, dtype=tf.int32) > 0
  mirror, flip, transpose = tf.unstack(decisions[:, :, tf.newaxis, tf.newaxis, tf.newaxis])
  turned = []
  for images in pairs:
    images = tf.where(mirror, tf.reverse(images, [2]), images)
    images = tf.where(flip, tf.reverse(images, [1]), images)
    turned.append(tf.where(transpose, tf.transpose(images, [0, 2, 1, 3]), images))
  tables = tf.where(transpose, tf.transpose(tables, [0, 1, 3, 2]), tables)
  return tuple(turned), tables

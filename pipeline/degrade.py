"""Which JPEG of a tile is shown to the network."""

import tensorflow as tf


def choose_stored(compressed, qualities, wanted, seed):
  """Returns one of the JPEG streams stored with a tile, each with equal chance.

  Args:
    compressed: string [N], JPEG streams of one tile.
    qualities: int64 [N], their quality factors.
    wanted: qualities that may be chosen; an empty tuple allows all.
    seed: int64 [2].
  Returns:
    The stream, a string scalar, and its quality, an int32 scalar.
  Raises:
    InvalidArgumentError: if no stored quality is wanted.
  """
  if wanted:
    allowed = tf.reduce_any(qualities[:, tf.newaxis] == tf.constant(wanted, tf.int64), axis=1)
    check = tf.debugging.assert_equal(
      tf.reduce_any(allowed), True, message=f"no tile stores any of the qualities {wanted}"
    )
    with tf.control_dependencies([check] if check is not None else []):
      compressed = tf.boolean_mask(compressed, allowed)
      qualities = tf.boolean_mask(qualities, allowed)
  index = tf.random.stateless_uniform((), seed, minval=0, maxval=tf.size(qualities), dtype=tf.int32)
  return compressed[index], tf.cast(qualities[index], tf.int32)

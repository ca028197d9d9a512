import numpy as np
import tensorflow as tf

from deblock.launch.training import averaging

DECAY = 0.5


def test_averages_are_their_formula():
  random = np.random.default_rng(0)
  values = random.normal(size=(6, 3))
  weight = tf.Variable(values[0], dtype=tf.float32)
  averages = averaging.start([weight])
  expected = values[0]
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  for count, value in enumerate(values[1:], start=1):
    weight.assign(value)
    with strategy.scope():
      averaging.update(strategy, averages, [weight], averaging.decay_at(DECAY, count))
    decay = min(DECAY, (1 + count) / (10 + count))
    expected = decay * expected + (1 - decay) * value
    np.testing.assert_allclose(averages[0].numpy(), expected, rtol=1e-5)
  np.testing.assert_array_equal(weight.numpy(), values[-1].astype(np.float32))


def test_a_young_average_forgets_fast_and_an_old_one_as_it_is_told():
  found = [float(averaging.decay_at(0.999, count)) for count in (1, 8, 98, 9000)]
  np.testing.assert_allclose(found, [2 / 11, 0.5, 99 / 108, 0.999], rtol=1e-5)

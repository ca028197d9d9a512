import tensorflow as tf

from deblock.launch.training import loss_scale


def test_the_factor_is_halved_by_bad_steps_and_doubled_by_many_good_ones():
  scale = loss_scale.LossScale()
  assert not scale.accepts(tf.constant(float("nan"))) and scale.accepts(tf.constant(3.0))
  factor, good_steps = scale.variables
  scale.update(tf.constant(False))
  assert factor.numpy() == loss_scale.FIRST / 2
  good_steps.assign(loss_scale.GOOD_STEPS - 2)
  scale.update(tf.constant(True))
  assert factor.numpy() == loss_scale.FIRST / 2
  scale.update(tf.constant(True))
  assert (factor.numpy(), good_steps.numpy()) == (loss_scale.FIRST, 0)
  scale.update(tf.constant(True))
  scale.update(tf.constant(False))
  # Not in a row.
  assert good_steps.numpy() == 0


def test_the_factor_stays_within_its_bounds():
  scale = loss_scale.LossScale()
  factor, good_steps = scale.variables
  factor.assign(loss_scale.LARGEST)
  good_steps.assign(loss_scale.GOOD_STEPS - 1)
  scale.update(tf.constant(True))
  assert factor.numpy() == loss_scale.LARGEST
  factor.assign(1.0)
  scale.update(tf.constant(False))
  assert factor.numpy() == 1.0
  # Nothing is left to blame on scaling: the run shall stop.
  assert scale.accepts(tf.constant(float("inf")))

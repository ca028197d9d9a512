"""The compiled inner loop: batches in, weights changed, sums out."""

from typing import NamedTuple

import tensorflow as tf

from deblock.launch.training import meters, optimization
from deblock.model.networks import blocks, registry
from deblock.pipeline import batch as batch_lib


class Totals(NamedTuple):
  """Sums over the steps of a call of the inner loop; float32 scalars.

  Attributes:
    loss: sum of the loss of the global batch.
    error: sum of the mean squared error of the restored crops.
    error_jpeg: the same of the JPEGs.
    gradient_norm: sum of the norm of all gradients together, before clipping; zero for a skipped
      step.
    skipped: number of steps that changed no weight, because float16 gradients were not finite.
    finite: number of steps before the first one whose loss or gradient is not finite.
  """

  loss: tf.Tensor
  error: tf.Tensor
  error_jpeg: tf.Tensor
  gradient_norm: tf.Tensor
  skipped: tf.Tensor
  finite: tf.Tensor


def training_steps(
  strategy,
  network,
  optimizer,
  loss,
  entry: registry.Entry,
  batch_size: int,
  rules: optimization.UpdateRules = optimization.UpdateRules(),  # noqa: B008
  waited: meters.Waited | None = None,
):
  """Returns the compiled function that trains for a number of steps.

  Gradients are summed over parts and replicas before they are clipped. So neither number changes
  what is learnt, except the statistics of batch normalisation, which are those of a part.

  Args:
    strategy: tf.distribute.Strategy, in whose scope network and optimizer were made.
    network: keras.Model that `entry` describes.
    optimizer: keras.optimizers.Optimizer.
    loss: (restored, clean, tables) to float [B].
    entry: what the registry says of the network.
    batch_size: crops in a step, over all replicas and parts.
    rules: for everything besides the optimiser's step.
    waited: adds up the time that steps wait for batches.
  Returns:
    A function of an iterator of batches, float or uint8, and of the number of steps, to `Totals`.
    The number is an int32 scalar tensor: each Python number would be compiled again.
  """

  objective = entry.objective(network)
  weights = network.trainable_variables
  if not optimizer.built:
    with strategy.scope():
      optimizer.build(weights)

  def part_gradients(batch, scale):
    """Returns the gradients of the scaled loss, and loss, error and error of the JPEG."""
    clean = blocks.crop_center(batch.clean, entry.consumed)
    with tf.GradientTape() as tape:
      inputs = entry.inputs(batch.compressed, batch.tables)
      restored, losses = objective(
        inputs, batch.quality, lambda image: loss(image, clean, batch.tables)
      )
      # Each replica divides by the global batch, so that the sum over replicas is the mean.
      value = tf.reduce_sum(losses) / batch_size
      scaled = value if scale is None else value * scale
    gradients = tape.gradient(scaled, weights)
    jpeg = blocks.crop_center(batch.compressed, entry.consumed)
    errors = (_error(image, clean) / batch_size for image in (restored, jpeg))
    return gradients, (value, *errors)

  def local_gradients(batch, scale):
    """Returns the same summed over the parts of a replica's crops."""
    if rules.parts == 1:
      return part_gradients(batch, scale)
    parts = batch_lib.Batch(
      *(tf.reshape(tensor, [rules.parts, -1, *tensor.shape[1:]]) for tensor in batch)
    )

    def add_part(index, *sums):
      part = batch_lib.Batch(*(tensor[index] for tensor in parts))
      gradients, figures = part_gradients(part, scale)
      return index + 1, *(a + b for a, b in zip(sums, (*gradients, *figures), strict=True))

    zeros = [tf.zeros(weight.shape) for weight in weights] + [tf.zeros(())] * 3
    _, *sums = tf.while_loop(
      lambda index, *_: index < rules.parts, add_part, [0, *zeros], parallel_iterations=1
    )
    return sums[: len(weights)], tuple(sums[len(weights) :])

  if rules.jit_compile:
    local_gradients = tf.function(local_gradients, jit_compile=True)

  def replica_step(batch, scale):
    batch = batch_lib.to_float(batch)
    gradients, figures = local_gradients(batch, scale)
    context = tf.distribute.get_replica_context()
    gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    if scale is not None:
      gradients = [gradient / scale for gradient in gradients]
    norm = tf.linalg.global_norm(gradients)
    if rules.clip_norm:
      gradients, _ = tf.clip_by_global_norm(gradients, rules.clip_norm, norm)
    # One tensor for all figures: each sum over replicas is a round of messages between the hosts.
    return gradients, norm, tf.stack(figures)

  def update(gradients):
    with strategy.scope():
      optimization.apply(strategy, optimizer, gradients, weights, rules.weight_decay)
      if rules.averaging is not None:
        rules.averaging.apply(rules.weights)

  def one_step(batch):
    scale = None if rules.loss_scale is None else tf.convert_to_tensor(rules.loss_scale.factor)
    gradients, norm, figures = strategy.run(replica_step, args=(batch, scale))
    norm = strategy.experimental_local_results(norm)[0]  # Equal on all replicas.
    accepted = tf.constant(True)
    if rules.loss_scale is None:
      update(gradients)
    else:
      accepted = rules.loss_scale.accepts(norm)
      tf.cond(accepted, lambda: update(gradients), lambda: None)
      with strategy.scope():
        rules.loss_scale.update(accepted)
    sums = strategy.reduce("SUM", figures, axis=None)
    return sums, tf.where(accepted, norm, 0.0), 1.0 - tf.cast(accepted, tf.float32)

  @tf.function
  def steps(iterator, count):
    totals = Totals(*(tf.zeros(()) for _ in Totals._fields))
    for _ in tf.range(count):
      batch = next(iterator) if waited is None else waited.next(iterator)
      sums, norm, skipped = one_step(batch)
      figures = (*tf.unstack(sums), norm, skipped)
      added = [total + value for total, value in zip(totals[:-1], figures, strict=True)]
      # A sum that is not finite stays so.
      finite = tf.math.is_finite(added[0] + added[3])
      totals = Totals._make([*added, totals.finite + tf.cast(finite, tf.float32)])
    return totals

  return steps


def _error(images, clean):
  """Returns the sum over images of their mean squared error."""
  squared = tf.math.squared_difference(images, clean)
  return tf.reduce_sum(tf.reduce_mean(squared, axis=(1, 2, 3)))

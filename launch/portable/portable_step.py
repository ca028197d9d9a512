"""A training step as a pure function of tensors: damage, network, loss, Adam and averaging.

`launch.training` trains where TensorFlow runs. This step needs TensorFlow only to be exported as a
StableHLO program (`launch.portable.exported_step`). Any XLA runtime compiles that program, such as
JAX's on an accelerator without a TensorFlow build (`launch.run_exported`). The pretrained weights
were made that way.
"""

from typing import NamedTuple

import tensorflow as tf

from deblock.launch.portable import settings
from deblock.pipeline import alterations, jpegsim

BETA_1, BETA_2, EPSILON = 0.9, 0.99, 1e-8
LARGEST_NORM = 1.0  # Of the gradient, so that one bad step cannot move the weights far.
LARGEST_SHIFT = 8  # Pixels, excluded, between the grids of a JPEG of a JPEG.


class State(NamedTuple):
  """The state that a step changes: lists of float32 tensors, one for each weight."""

  weights: list
  means: list
  squares: list
  averages: list


class Crops(NamedTuple):
  """The images of a step, and how they are compressed.

  Attributes:
    clean: uint8 [B, P + 8, P + 8, 3]; the JPEGs are of its first P rows and columns, of those made
      twice of the P that start at `shifts`.
    tables: float32 [B, 2, 8, 8], quantisation steps of the (last) JPEG.
    first_tables: float32 [D, 2, 8, 8], of the first JPEGs of those that are made twice.
    shifts: int32 [D, 2], rows and columns, 0 to 7.
    untouched: float32 [B], 1 where the crop is not compressed and the steps are 1.
    gray: float32 [B], 1 where the crop is turned gray first.
  """

  clean: tf.Tensor
  tables: tf.Tensor
  first_tables: tf.Tensor
  shifts: tf.Tensor
  untouched: tf.Tensor
  gray: tf.Tensor


class Fed(NamedTuple):
  """The images of a step whose JPEGs are made elsewhere (`host_crops`).

  Attributes:
    jpeg: uint8 [B, P, P, 3].
    clean: uint8, same shape.
    tables: float32 [B, 2, 8, 8], quantisation steps of the JPEGs.
    untouched: float32 [B], 1 where the crop is not compressed and the steps are 1.
  """

  jpeg: tf.Tensor
  clean: tf.Tensor
  tables: tf.Tensor
  untouched: tf.Tensor


class Settings(NamedTuple):
  """Numbers of a step, float32 scalars.

  Attributes:
    number: of the step, from 1.
    rate: learning rate.
    decay: of the averages.
    logarithmic: share of the logarithmic loss in [0, 1]; the rest is Charbonnier's.
  """

  number: tf.Tensor
  rate: tf.Tensor
  decay: tf.Tensor
  logarithmic: tf.Tensor


def damaged(crops: Crops, layout: settings.Layout):
  """Returns JPEG and original, uint8 [B, P, P, 3], and the JPEG's steps, float32 [B, 2, 8, 8]."""
  size, once = layout.crop_size, layout.batch_size - layout.twice
  subsampled = once - layout.full_chroma
  source = tf.where(_each(crops.gray) > 0, alterations.gray(crops.clean), crops.clean)
  first = jpegsim.compress(source[once:], crops.first_tables, "420")
  clean = tf.concat([source[:once, :size, :size], _cut(source[once:], crops.shifts, size)], 0)
  before = tf.concat([clean[:once], _cut(first, crops.shifts, size)], 0)
  groups = ((0, subsampled, "420"), (subsampled, once, "444"), (once, layout.batch_size, "420"))
  jpegs = [
    jpegsim.compress(before[start:end], crops.tables[start:end], subsampling)
    for start, end, subsampling in groups
  ]
  untouched = _each(crops.untouched) > 0
  jpeg = tf.where(untouched, clean, tf.concat(jpegs, 0))
  return jpeg, clean, tf.where(untouched, 1.0, crops.tables)


def step(network, layout: settings.Layout):
  """Returns the step of a conditioned network whose only state is its trainable weights.

  Args:
    network: keras.Model of [compressed, tables].
    layout: of the batch.
  Returns:
    A function of State, Crops and Settings to the next State and three float32 scalars: the loss,
    the mean gain over the JPEG in decibels, and the gradient's norm.
  """

  def one_step(state, crops, settings):
    jpeg, clean, tables = damaged(crops, layout)
    return _learn(network, state, Fed(jpeg, clean, tables, crops.untouched), settings)

  return one_step


def fed_step(network):
  """Returns the step without the damage: a function of State, Fed and Settings; else as `step`."""

  def one_step(state, fed, settings):
    return _learn(network, state, fed, settings)

  return one_step


def _learn(network, state, fed, settings):
  """Returns the next state, and loss, gain and norm."""
  jpeg, clean = (tf.cast(images, tf.float32) / 255.0 for images in (fed.jpeg, fed.clean))
  with tf.GradientTape() as tape:
    tape.watch(state.weights)
    restored, _ = network.stateless_call(state.weights, [], [jpeg, fed.tables], training=True)
    squared = tf.math.squared_difference(restored, clean)
    error = tf.reduce_mean(squared, axis=(1, 2, 3))
    loss = _loss(squared, error, settings.logarithmic)
  gradients = tape.gradient(loss, state.weights)
  norm = tf.linalg.global_norm(gradients)
  gradients = [g * tf.minimum(1.0, LARGEST_NORM / (norm + 1e-9)) for g in gradients]
  error_jpeg = tf.reduce_mean(tf.math.squared_difference(jpeg, clean), axis=(1, 2, 3))
  gains = 10.0 / tf.math.log(10.0) * tf.math.log((error_jpeg + 1e-8) / (error + 1e-8))
  touched = 1.0 - fed.untouched
  gain = tf.reduce_sum(touched * gains) / tf.reduce_sum(touched)
  return _adam(state, gradients, settings), loss, gain, norm


def _loss(squared, error, logarithmic):
  # The factors give both gradients of one size, so that the switch keeps the rate.
  charbonnier = 10.0 * tf.reduce_mean(tf.sqrt(squared + 1e-6))
  # The constant bounds the weight of crops with errors below 1.5 levels: flat crops would outweigh
  # all others.
  logarithm = 0.1 * tf.reduce_mean(tf.math.log(error + (1.5 / 255.0) ** 2))
  return (1.0 - logarithmic) * charbonnier + logarithmic * logarithm


def _adam(state, gradients, settings):
  """Returns the state after a step of Adam (Kingma and Ba, 2015, algorithm 1) and of averaging."""
  means = [BETA_1 * m + (1.0 - BETA_1) * g for m, g in zip(state.means, gradients, strict=True)]
  squares = [
    BETA_2 * s + (1.0 - BETA_2) * g * g for s, g in zip(state.squares, gradients, strict=True)
  ]
  mean_share = 1.0 - tf.pow(BETA_1, settings.number)
  square_share = 1.0 - tf.pow(BETA_2, settings.number)
  weights = [
    w - settings.rate * (m / mean_share) / (tf.sqrt(s / square_share) + EPSILON)
    for w, m, s in zip(state.weights, means, squares, strict=True)
  ]
  averages = [
    settings.decay * a + (1.0 - settings.decay) * w
    for a, w in zip(state.averages, weights, strict=True)
  ]
  return State(weights, means, squares, averages)


def _cut(images, shifts, size):
  """Returns [D, size, size, 3] of [D, H, W, 3], from the rows and columns of `shifts` on."""
  within = tf.range(size)[tf.newaxis]
  rows = tf.gather(images, shifts[:, :1] + within, axis=1, batch_dims=1)
  columns = tf.gather(
    tf.transpose(rows, [0, 2, 1, 3]), shifts[:, 1:] + within, axis=1, batch_dims=1
  )
  return tf.ensure_shape(tf.transpose(columns, [0, 2, 1, 3]), (images.shape[0], size, size, 3))


def _each(numbers):
  """Returns one number for each image in a shape that broadcasts over its pixels."""
  return numbers[:, tf.newaxis, tf.newaxis, tf.newaxis]

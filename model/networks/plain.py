"""The parts that the published networks share: both ends, and convolutions with ReLU between.

Both ends compute in float32 under mixed precision too: bfloat16 would round pixels to half a level.
"""

from typing import Any, NamedTuple

import keras

from deblock.model.networks import blocks, config, input_maps

RESIDUAL_SCALE = 0.1  # About the size of a JPEG's error at low quality.


class Start(NamedTuple):
  """The symbolic tensors that a network begins with.

  Attributes:
    inputs: of its keras.Model: the image, or [image, tables].
    compressed: float32 [B, H, W, C] in [0, 1], the input image.
    features: the image padded, with the channels of its condition.
  """

  inputs: Any
  compressed: Any
  features: Any


def start(channels=3, condition=config.NONE, multiple=1) -> Start:
  """Returns a network's inputs.

  Args:
    channels: of the image: 3, or 1 for gray.
    condition: the network's input about the JPEG, one of `config.CONDITIONS`.
    multiple: height and width are padded to a multiple of it, by repeating the last pixels.
  """
  compressed = features = keras.Input((None, None, channels), name="compressed")
  if multiple > 1:
    features = blocks.PadToMultiple(multiple, dtype="float32", name="padded")(features)
  if condition == config.NONE:
    return Start(compressed, compressed, features)
  tables = keras.Input((2, 8, 8), name="tables")
  features = input_maps.add(features, tables, condition)
  return Start([compressed, tables], compressed, features)


def convolution(features, channels, side, initializer, name, **options):
  """Returns the features of a padded convolution, with bias."""
  return keras.layers.Conv2D(
    channels, side, padding="same", kernel_initializer=initializer.clone(), name=name, **options
  )(features)


def rectified(features, layers, initializer):
  """Returns the features after padded convolutions, each with a bias and followed by ReLU.

  Args:
    features: float32 [B, H, W, C], what `start` returned, a symbolic Keras tensor.
    layers: (channels, side of the kernel) of each; the first is computed in float32.
    initializer: of every kernel.
  """
  for index, (channels, side) in enumerate(layers, start=1):
    options = {"dtype": "float32"} if index == 1 else {}
    name = f"convolution{index}"
    features = convolution(features, channels, side, initializer, name, **options)
    features = keras.layers.ReLU(name=f"activation{index}", **options)(features)
  return features


def added(compressed, residual, name="restored"):
  """Returns an image plus a scaled residual, both float [B, H, W, C], in float32."""
  residual = keras.layers.Rescaling(RESIDUAL_SCALE, dtype="float32", name=f"{name}_residual")(
    residual
  )
  return keras.layers.Add(dtype="float32", name=name)([compressed, residual])


def finish(name, began: Start, features, side, initializer, residual, activation=None):
  """Returns the network that ends in one more convolution.

  Args:
    name: of the network.
    began: what `start` returned.
    features: float [B, H', W', C'], H' and W' not below the image's.
    side: of the last convolution's kernel.
    initializer: of that kernel where the network predicts pixels. Otherwise the kernel starts at
      zero, so that an untrained network returns the JPEG.
    residual: whether the output is added to the JPEG instead of being the restored pixels.
    activation: of the last convolution where the network predicts pixels.
  """
  head = keras.layers.Conv2D(
    began.compressed.shape[-1],
    side,
    padding="same",
    kernel_initializer="zeros" if residual else initializer.clone(),
    activation=None if residual else activation,
    dtype="float32",
    name="head",
  )(features)
  restored = blocks.CropLike(dtype="float32", name="cropped")([head, began.compressed])
  if residual:
    restored = added(began.compressed, restored)
  return keras.Model(began.inputs, restored, name=name)


def require_residual(name, residual):
  """Checks that a network that only predicts a residual is built so.

  Raises:
    ValueError: if `residual` is false.
  """
  if not residual:
    raise ValueError(f"{name} has no form that predicts pixels: leave residual at true.")

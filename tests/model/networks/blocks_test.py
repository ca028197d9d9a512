import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.model.networks import blocks

_FEATURES = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype(np.float32)


def _convolve(features, kernel, padding):
  """Returns the cross-correlation with a kernel [side, side, C, D], by a plain loop."""
  side = kernel.shape[0]
  if padding == "same":
    margin = side // 2
    features = np.pad(features, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
  height, width = features.shape[1] - side + 1, features.shape[2] - side + 1
  made = np.zeros((features.shape[0], height, width, kernel.shape[3]))
  for row in range(height):
    for column in range(width):
      window = features[:, row : row + side, column : column + side]
      made[:, row, column] = np.einsum("bijc,ijcd->bd", window, kernel)
  return made


def _leaky(features, slope):
  return np.where(features > 0, features, slope * features)


def _expected(layer, features):
  """Returns what the docstring of Bottleneck says, in float64."""
  hidden = features.astype(np.float64)
  for index, convolution in enumerate(layer.convolutions):
    padding = layer.padding if index == 1 else "same"
    hidden = _convolve(hidden, convolution.kernel.numpy().astype(np.float64), padding)
    if layer.normalize:
      norm = layer.normalizations[index]
      gamma, beta, mean, variance = (
        part.numpy() for part in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
      )
      hidden = gamma * (hidden - mean) / np.sqrt(variance + 1e-5) + beta
    else:
      hidden = hidden + convolution.bias.numpy()
    if index < 2:
      hidden = _leaky(hidden, layer.inner_slope)
  identity = features if layer.padding == "same" else features[:, 1:-1, 1:-1]
  return _leaky(identity + hidden, 0.1)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("normalize", "inner_slope"), [(True, 0.1), (False, 0.3)])
def test_a_bottleneck_is_its_formula(randomize, normalize, inner_slope, padding):
  layer = blocks.Bottleneck(normalize=normalize, inner_slope=inner_slope, padding=padding)
  layer.build(_FEATURES.shape)
  randomize(layer)
  made = layer(_FEATURES).numpy()
  assert made.shape == layer.compute_output_shape(_FEATURES.shape)
  np.testing.assert_allclose(made, _expected(layer, _FEATURES), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_bottleneck_whose_last_step_is_zero_keeps_the_identity(randomize, padding):
  layer = blocks.Bottleneck(padding=padding)
  layer.build(_FEATURES.shape)
  randomize(layer)
  layer.normalizations[-1].gamma.assign(np.zeros(3))
  layer.normalizations[-1].beta.assign(np.zeros(3))
  kept = _FEATURES if padding == "same" else _FEATURES[:, 1:-1, 1:-1]
  np.testing.assert_allclose(layer(_FEATURES).numpy(), _leaky(kept, 0.1), rtol=1e-6)


@pytest.mark.parametrize("normalize", [True, False])
def test_padding_changes_the_border_alone(randomize, normalize):
  padded = blocks.Bottleneck(normalize=normalize)
  unpadded = blocks.Bottleneck(normalize=normalize, padding="valid")
  for layer in (padded, unpadded):
    layer.build(_FEATURES.shape)
    randomize(layer)
  same, valid = padded(_FEATURES).numpy(), unpadded(_FEATURES).numpy()
  np.testing.assert_allclose(same[:, 1:-1, 1:-1], valid, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("normalize", [True, False])
def test_the_number_of_weights_is_that_of_three_convolutions(normalize):
  layer = blocks.Bottleneck(normalize=normalize)
  layer.build((None, None, None, 6))
  kernels = 6 * 6 * (1 + 9 + 1)
  expected = kernels + 3 * 2 * 6 if normalize else kernels + 3 * 6
  assert sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights) == expected


@pytest.mark.parametrize(
  "layer",
  [
    blocks.Bottleneck(
      normalize=False,
      inner_slope=0.3,
      padding="valid",
      kernel_initializer=blocks.published_initializer(),
      name="unit",
    ),
    blocks.Bottleneck(),
    blocks.CenterCrop(3, name="crop"),
    blocks.SpaceToDepth(2, name="halved"),
    blocks.DepthToSpace(2, name="full"),
    blocks.PadToMultiple(8, name="whole"),
    blocks.CropLike(name="cropped"),
  ],
)
def test_a_layer_survives_its_config(layer):
  config = layer.get_config()
  again = type(layer).from_config(config)
  assert again.get_config() == config
  serialized = keras.saving.serialize_keras_object(layer)
  assert keras.saving.deserialize_keras_object(serialized).get_config() == config


def test_the_convolutions_of_a_bottleneck_start_differently():
  layer = blocks.Bottleneck(kernel_initializer=keras.initializers.HeNormal())
  layer.build((None, None, None, 4))
  first, _, last = (convolution.kernel.numpy() for convolution in layer.convolutions)
  assert (first != last).all()


def test_normalisation_has_the_constants_of_the_published_code():
  layer = blocks.batch_normalization()
  constant = np.full((4, 2, 2, 1), 3.0, np.float32)
  layer(constant, training=True)
  np.testing.assert_allclose(layer.moving_mean.numpy(), [0.1 * 3.0], rtol=1e-6)
  np.testing.assert_allclose(layer.moving_variance.numpy(), [0.9], rtol=1e-6)
  layer.moving_mean.assign([0.0])
  layer.moving_variance.assign([0.0])
  np.testing.assert_allclose(
    layer(constant, training=False).numpy(), constant / np.sqrt(1e-5), rtol=1e-5
  )


def test_the_published_initialiser_is_normal_with_its_deviation():
  kernel = np.array(blocks.published_initializer()((100, 100)))
  assert abs(kernel.std() - 0.02) < 0.0005
  assert abs(kernel.mean()) < 0.001


@pytest.mark.parametrize("margin", [0, 1, 2])
def test_cropping_keeps_the_centre(margin):
  expected = _FEATURES[:, margin : 5 - margin, margin : 6 - margin]
  layer = blocks.CenterCrop(margin)
  np.testing.assert_array_equal(layer(_FEATURES).numpy(), expected)
  np.testing.assert_array_equal(blocks.crop_center(_FEATURES, margin), expected)
  assert layer.compute_output_shape(_FEATURES.shape) == expected.shape
  assert layer.compute_output_shape((None, None, 9, 3)) == (None, None, 9 - 2 * margin, 3)


def test_settings_that_do_not_exist_are_refused():
  with pytest.raises(ValueError, match='padding must be "same" or "valid", got \'full\''):
    blocks.Bottleneck(padding="full")
  with pytest.raises(ValueError, match="margin must be at least 0 pixels, got -1"):
    blocks.CenterCrop(-1)


def test_space_to_depth_and_back_keeps_every_pixel_where_it_was():
  images = np.random.default_rng(1).normal(size=(2, 4, 6, 3)).astype(np.float32)
  deep, flat = blocks.SpaceToDepth(2), blocks.DepthToSpace(2)
  made = deep(images).numpy()
  assert made.shape == deep.compute_output_shape(images.shape) == (2, 2, 3, 12)
  for index, (row, column) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
    expected = images[:, row::2, column::2]
    np.testing.assert_array_equal(made[..., 3 * index : 3 * index + 3], expected)
  again = flat(made).numpy()
  assert flat.compute_output_shape(made.shape) == images.shape
  np.testing.assert_array_equal(again, images)
  assert deep.compute_output_shape((None, None, 6, 3)) == (None, None, 3, 12)
  assert flat.compute_output_shape((None, None, 3, 12)) == (None, None, 6, 3)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 16), (13, 8)])
@pytest.mark.parametrize("known", [True, False])
def test_padding_repeats_the_last_row_and_column_and_cropping_takes_them_off(size, known):
  images = np.random.default_rng(1).normal(size=(2, *size, 3)).astype(np.float32)
  shape = images.shape if known else (None, None, None, 3)
  pad, crop = blocks.PadToMultiple(8), blocks.CropLike()
  run = tf.function(lambda given: (pad(given), crop([pad(given), given])))
  padded, cropped = run.get_concrete_function(tf.TensorSpec(shape, tf.float32))(images)
  extent = [-length % 8 for length in size]
  expected = np.pad(images, ((0, 0), (0, extent[0]), (0, extent[1]), (0, 0)), "edge")
  np.testing.assert_array_equal(padded, expected)
  np.testing.assert_array_equal(cropped, images)
  assert pad.compute_output_shape(images.shape) == expected.shape
  assert pad.compute_output_shape((None, None, 9, 3)) == (None, None, 16, 3)
  assert crop.compute_output_shape([expected.shape, images.shape]) == images.shape

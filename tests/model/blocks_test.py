import keras
import numpy as np
import pytest

from deblock.model import blocks

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

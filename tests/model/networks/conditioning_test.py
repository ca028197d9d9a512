import math

import keras
import numpy as np
import pytest

from deblock.model.networks import conditioning
from deblock.records.jpeg import tables as jpeg_tables

_TABLES = np.stack([jpeg_tables.quantization_tables(quality) for quality in (10, 50, 95)])
_FEATURES = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)
_VECTORS = np.random.default_rng(1).normal(size=(2, 5)).astype(np.float32)


def test_the_embedding_is_two_dense_layers_of_the_scaled_logarithms(randomize):
  layer = conditioning.TableEmbedding(6)
  layer.build((None, 2, 8, 8))
  randomize(layer)
  hidden = 2 * np.log(_TABLES.reshape(3, 128)) / math.log(255) - 1
  assert -1 <= hidden.min() < hidden.max() <= 1
  for dense in (layer.first, layer.second):
    hidden = np.maximum(hidden @ dense.kernel.numpy() + dense.bias.numpy(), 0)
  made = layer(_TABLES.astype(np.float32)).numpy()
  assert made.shape == layer.compute_output_shape(_TABLES.shape)
  assert layer.compute_output_shape((None, 2, 8, 8)) == (None, 6)
  np.testing.assert_allclose(made, hidden, rtol=1e-4, atol=1e-5)
  assert len(layer.trainable_weights) == 4


def test_steps_of_one_and_of_255_are_the_ends_of_the_scale():
  layer = conditioning.TableEmbedding(1)
  layer.build((None, 2, 8, 8))
  layer.first.kernel.assign(np.full((128, 1), 1 / 128))
  layer.first.bias.assign([1.0])
  layer.second.kernel.assign([[1.0]])
  ends = np.stack([np.full((2, 8, 8), step, np.float32) for step in (1, 255)])
  np.testing.assert_allclose(layer(ends).numpy(), [[0.0], [2.0]], atol=1e-6)


def test_modulation_scales_and_shifts_each_channel(randomize):
  layer = conditioning.Modulation()
  layer.build([_FEATURES.shape, _VECTORS.shape])
  randomize(layer)
  change = _VECTORS @ layer.dense.kernel.numpy() + layer.dense.bias.numpy()
  expected = np.empty_like(_FEATURES)
  for image in range(2):
    for channel in range(3):
      scale, shift = change[image, channel], change[image, 3 + channel]
      expected[image, ..., channel] = _FEATURES[image, ..., channel] * (1 + scale) + shift
  made = layer([_FEATURES, _VECTORS]).numpy()
  assert made.shape == layer.compute_output_shape([_FEATURES.shape, _VECTORS.shape])
  np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)
  alone = layer([_FEATURES, 0 * _VECTORS]).numpy()
  np.testing.assert_allclose(alone, _plain(layer), rtol=1e-4, atol=1e-5)


def _plain(layer):
  """Returns what the bias alone makes of the features."""
  scale, shift = np.split(layer.dense.bias.numpy(), 2)
  return _FEATURES * (1 + scale) + shift


def test_block_phase_adds_its_map_to_every_block(randomize):
  layer = conditioning.BlockPhase(4)
  np.testing.assert_array_equal(layer(_FEATURES), _FEATURES)
  randomize(layer)
  added = layer(np.zeros_like(_FEATURES)).numpy()
  assert added.shape == layer.compute_output_shape(_FEATURES.shape)
  for row in range(8):
    for column in range(12):
      expected = layer.map.numpy()[row % 4, column % 4]
      np.testing.assert_array_equal(added[:, row, column], [expected, expected])
  assert np.ptp(layer.map.numpy(), axis=(0, 1)).min() > 0
  np.testing.assert_allclose(layer(_FEATURES).numpy(), _FEATURES + added, rtol=1e-6)


@pytest.mark.parametrize(
  ("layer", "shapes"),
  [
    (conditioning.TableEmbedding(6, name="embedding"), [(2, 8, 8)]),
    (conditioning.Modulation(name="modulation"), [(None, None, 3), (5,)]),
    (conditioning.BlockPhase(4, name="phase"), [(None, None, 3)]),
  ],
)
def test_a_layer_survives_its_config_and_knows_unknown_sizes(layer, shapes):
  config = layer.get_config()
  serialized = keras.saving.serialize_keras_object(layer)
  again = keras.saving.deserialize_keras_object(serialized)
  assert type(again) is type(layer) and again.get_config() == config
  inputs = [keras.Input(shape) for shape in shapes]
  made = again(inputs if len(inputs) > 1 else inputs[0])
  expected = (None, 6) if len(shapes[0]) == 3 and shapes[0][0] == 2 else (None, *shapes[0])
  assert made.shape == expected

import dataclasses

import keras
import pytest
import tensorflow as tf

from deblock.model import macs
from deblock.model.networks import blocks, registry

_IMAGE = tf.TensorSpec((1, 12, 20, 3), tf.float32)
_PIXELS = 12 * 20


def _model(*layers, shape=(None, None, 3)):
  inputs = features = keras.Input(shape)
  for layer in layers:
    features = layer(features)
  return keras.Model(inputs, features)


@pytest.mark.parametrize(
  ("layer", "expected"),
  [
    (keras.layers.Conv2D(5, 3, padding="same"), _PIXELS * 9 * 3 * 5),
    (keras.layers.Conv2D(5, (3, 5)), 10 * 16 * 15 * 3 * 5),
    (keras.layers.Conv2D(5, 2, strides=2), _PIXELS // 4 * 4 * 3 * 5),
    (keras.layers.Conv2D(5, 3, dilation_rate=2), 8 * 16 * 9 * 3 * 5),
    (keras.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2), _PIXELS * 9 * 3 * 2),
    (keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same"), _PIXELS * 16 * 3 * 5),
    (keras.layers.Dense(7), _PIXELS * 3 * 7),
    (keras.layers.ReLU(), 0),
    # Its three convolutions are layers within the layer.
    (blocks.Bottleneck(), _PIXELS * 3 * 3 * (1 + 9 + 1)),
  ],
)
def test_a_layer_costs_what_its_loops_say(layer, expected):
  assert macs.count(_model(layer), _IMAGE) == expected


def test_layers_add_up_and_images_of_a_batch_too():
  network = _model(keras.layers.Conv2D(4, 3, padding="same"), keras.layers.Conv2D(3, 1))
  assert macs.count(network, _IMAGE) == _PIXELS * (9 * 3 * 4 + 4 * 3)
  batch = tf.TensorSpec((5, 12, 20, 3), tf.float32)
  assert macs.count(network, batch) == 5 * macs.count(network, _IMAGE)


def _entry(network, **changes):
  entry = dataclasses.replace(registry.get("blockcnn"), build=lambda *_: network)
  return dataclasses.replace(entry, **changes)


def test_a_pixel_pays_for_the_surroundings_that_are_computed_for_it():
  kept = _model(keras.layers.Conv2D(2, 1), keras.layers.Conv2D(3, 3, padding="same"))
  work = 3 * 2 + 9 * 2 * 3
  whole = _entry(kept, keeps_size=True, blockwise=False)
  assert macs.per_pixel(kept, whole) == work
  # 24x24 pixels are seen for 8x8, and 144x144 for 128x128.
  shrinking = _model(keras.layers.Conv2D(3, 1), blocks.CenterCrop(8))
  assert macs.per_pixel(shrinking, _entry(shrinking)) == 9 * (24 / 8) ** 2
  tiles = _entry(shrinking, blockwise=False)
  assert macs.per_pixel(shrinking, tiles) == 9 * (144 / 128) ** 2


def test_what_cannot_be_counted_is_refused():
  with pytest.raises(
    ValueError, match=r"is StatefulPartitionedCall, whose multiply-accumulates are not"
  ):
    macs.count(_model(keras.layers.Conv2D(6, 3, groups=3)), _IMAGE)
  with pytest.raises(ValueError, match=r"need known shapes, got \(1, None, None, 5\)"):
    macs.count(_model(keras.layers.Conv2D(5, 3)), tf.TensorSpec((1, None, None, 3), tf.float32))

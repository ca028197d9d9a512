import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.portable import portable_step
from deblock.launch.portable import settings as settings_lib
from deblock.model.networks import deblocknet
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

SIDE = 16
LAYOUT = settings_lib.Layout(crop_size=SIDE, batch_size=5, full_chroma=1, twice=2)
QUALITIES = (10, 30, 50, 20, 70)
FIRST = (40, 15)
SHIFTS = ((0, 0), (3, 7))


def _images():
  rows, columns = np.mgrid[: SIDE + 8, : SIDE + 8]
  waves = np.stack([np.sin(columns / 3), np.cos(rows / 4), np.sin((rows + columns) / 5)], 2)
  noise = np.random.default_rng(0).normal(0, 12, (5, SIDE + 8, SIDE + 8, 3))
  return np.clip(128 + 70 * waves + noise, 0, 255).astype(np.uint8)


def _crops(untouched=(0, 0, 0, 0, 0), gray=(0, 0, 0, 0, 0)):
  tables = jpeg_tables.all_quantization_tables()
  return portable_step.Crops(
    clean=tf.constant(_images()),
    tables=tf.constant(tables[list(QUALITIES)]),
    first_tables=tf.constant(tables[list(FIRST)]),
    shifts=tf.constant(SHIFTS, tf.int32),
    untouched=tf.constant(untouched, tf.float32),
    gray=tf.constant(gray, tf.float32),
  )


def _settings(number=1, rate=1e-3, decay=0.5, logarithmic=0.0):
  return portable_step.Settings(*map(tf.constant, (float(number), rate, decay, logarithmic)))


def _state(network):
  weights = [tf.convert_to_tensor(variable.value) for variable in network.trainable_variables]
  zeros = [tf.zeros_like(weight) for weight in weights]
  return portable_step.State(weights, zeros, zeros, weights)


@pytest.fixture(scope="module")
def network():
  keras.utils.set_random_seed(0)
  return deblocknet.deblocknet(8)


def _jpeg(image, quality, subsampling="420"):
  return codec.decode(codec.encode(np.ascontiguousarray(image), quality, subsampling))


def test_the_jpegs_are_those_of_libjpeg():
  images = _images()
  jpeg, clean, tables = portable_step.damaged(_crops(), LAYOUT)
  expected = [_jpeg(images[index, :SIDE, :SIDE], QUALITIES[index]) for index in (0, 1)]
  expected.append(_jpeg(images[2, :SIDE, :SIDE], QUALITIES[2], "444"))
  for place, (top, left) in enumerate(SHIFTS):
    once = _jpeg(images[3 + place], FIRST[place])
    again = once[top : top + SIDE, left : left + SIDE]
    expected.append(_jpeg(again, QUALITIES[3 + place]))
    np.testing.assert_array_equal(
      clean[3 + place], images[3 + place, top : top + SIDE, left : left + SIDE]
    )
  np.testing.assert_array_equal(jpeg, expected)
  np.testing.assert_array_equal(clean[:3], images[:3, :SIDE, :SIDE])
  np.testing.assert_array_equal(tables, _crops().tables)


def test_untouched_crops_are_their_own_originals_and_gray_ones_have_no_colour():
  crops = _crops(untouched=(1, 0, 0, 0, 1), gray=(0, 1, 0, 1, 0))
  jpeg, clean, tables = (item.numpy() for item in portable_step.damaged(crops, LAYOUT))
  np.testing.assert_array_equal(jpeg[[0, 4]], clean[[0, 4]])
  assert (tables[[0, 4]] == 1).all()
  assert (jpeg[1:4] != clean[1:4]).any(axis=(1, 2, 3)).all()
  for images in (jpeg, clean):
    assert (images[[1, 3]] == images[[1, 3]][..., :1]).all()
    assert (images[2] != images[2][..., :1]).any()


def test_an_untrained_network_gains_nothing(network):
  _, loss, gain, norm = portable_step.step(network, LAYOUT)(_state(network), _crops(), _settings())
  assert float(gain) == 0.0
  assert float(loss) > 0
  assert 0 < float(norm) < portable_step.LARGEST_NORM


@pytest.mark.parametrize("logarithmic", [0.0, 1.0])
def test_steps_are_those_of_adam(network, logarithmic):
  """Kingma and Ba's algorithm 1, on gradients of an independent loss."""
  jpeg, clean, tables = portable_step.damaged(_crops(), LAYOUT)
  jpeg, clean = (tf.cast(images, tf.float32) / 255 for images in (jpeg, clean))
  step = portable_step.step(network, LAYOUT)
  state = _state(network)
  weights = [np.array(weight) for weight in state.weights]
  averages, means, squares = weights, [0.0] * len(weights), [0.0] * len(weights)
  for number in (1, 2, 3):
    inputs = [tf.constant(weight) for weight in weights]
    with tf.GradientTape() as tape:
      tape.watch(inputs)
      error = network.stateless_call(inputs, [], [jpeg, tables])[0] - clean
      if logarithmic:
        mean = tf.reduce_mean(error**2, axis=(1, 2, 3)) + (1.5 / 255) ** 2
        expected = tf.reduce_mean(tf.math.log(mean)) / 10
      else:
        expected = 10 * tf.reduce_mean(tf.sqrt(error**2 + 1e-6))
    gradients = [np.array(gradient) for gradient in tape.gradient(expected, inputs)]
    means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients, strict=True)]
    squares = [0.99 * s + 0.01 * g**2 for s, g in zip(squares, gradients, strict=True)]
    changes = [
      1e-3 * m / (1 - 0.9**number) / (np.sqrt(s / (1 - 0.99**number)) + 1e-8)
      for m, s in zip(means, squares, strict=True)
    ]
    state, loss, _, norm = step(state, _crops(), _settings(number, logarithmic=logarithmic))
    assert float(norm) < portable_step.LARGEST_NORM
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    for found, weight, change in zip(state.weights, weights, changes, strict=True):
      # Where a gradient is as small as its rounding, so may be the quotient's sign.
      assert np.quantile(np.abs(found - (weight - change)), 0.99) < 2e-5
    weights = [np.array(weight) for weight in state.weights]
    averages = [(a + w) / 2 for a, w in zip(averages, weights, strict=True)]
    for found, average in zip(state.averages, averages, strict=True):
      np.testing.assert_allclose(found, average, rtol=1e-6, atol=1e-8)


def test_a_large_gradient_is_shortened(network, monkeypatch):
  step = portable_step.step(network, LAYOUT)
  whole, *_, norm = step(_state(network), _crops(), _settings())
  monkeypatch.setattr(portable_step, "LARGEST_NORM", float(norm) / 4)
  shortened, *_ = step(_state(network), _crops(), _settings())
  for long, short in zip(whole.means, shortened.means, strict=True):
    np.testing.assert_allclose(short, np.array(long) / 4, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
  ("numbers", "message"),
  [
    ((20, 8, 1, 1), "crop_size must be a positive multiple of 8, got 20"),
    ((16, 8, 0, 1), "full_chroma and twice must be at least 1"),
    ((16, 8, 4, 4), "together less than batch_size, got 4, 4 and 8"),
  ],
)
def test_layouts_that_cannot_be_are_refused(numbers, message):
  with pytest.raises(ValueError, match=message):
    settings_lib.Layout(*numbers[:2], *numbers[2:])

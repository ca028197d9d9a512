import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import dct


def _fixed(value):
  return round(value * 2**13)


def _factorised(samples):
  """Returns one pass of Loeffler's algorithm with 13-bit constants, before the shift; int64."""
  c1, c2, c3, c5, c6, c7 = (np.sqrt(2) * np.cos(k * np.pi / 16) for k in (1, 2, 3, 5, 6, 7))
  a0, a1, a2, a3 = (samples[n] + samples[7 - n] for n in range(4))
  b0, b1, b2, b3 = (samples[n] - samples[7 - n] for n in range(4))
  turned = _fixed(c6) * (a0 - a3 + a1 - a2)
  common = _fixed(c3) * (b0 + b1 + b2 + b3)
  outer, inner = _fixed(c7 - c3) * (b0 + b3), _fixed(-c1 - c3) * (b1 + b2)
  even, odd = _fixed(c5 - c3) * (b0 + b2) + common, _fixed(-c3 - c5) * (b1 + b3) + common
  return np.stack(
    [
      2**13 * (a0 + a1 + a2 + a3),
      _fixed(c1 + c3 - c5 - c7) * b0 + outer + even,
      turned + _fixed(c2 - c6) * (a0 - a3),
      _fixed(c1 + c3 + c5 - c7) * b1 + inner + odd,
      2**13 * (a0 - a1 - a2 + a3),
      _fixed(c1 + c3 - c5 + c7) * b2 + inner + even,
      turned - _fixed(c2 + c6) * (a1 - a2),
      _fixed(-c1 + c3 + c5 - c7) * b3 + outer + odd,
    ]
  )


def _shifted(sums, bits):
  return (sums + (1 << (bits - 1))) >> bits


def _forward(block):
  rows = _shifted(_factorised(block.T), 11)
  return _shifted(_factorised(rows.T), 15)


def _inverse(block):
  matrix = _factorised(np.eye(8, dtype=np.int64))
  columns = _shifted(matrix.T @ block, 11)
  return _shifted(columns @ matrix, 18)


def _blocks():
  """Returns blocks of samples that strain the sums most: only extremes, and some that align."""
  rng = np.random.default_rng(0)
  blocks = rng.choice([-128, 127], (60, 8, 8))
  matrix = _factorised(np.eye(8, dtype=np.int64))
  for row in range(8):
    for column in range(8):
      pattern = np.outer(matrix[row], matrix[column]) >= 0
      blocks = np.concatenate([blocks, np.where(pattern, 127, -128)[np.newaxis]])
  return np.concatenate([blocks, rng.integers(-128, 128, (60, 8, 8)), np.full((1, 8, 8), -128)])


def _planes(blocks):
  return dct.from_blocks(tf.constant(blocks[:, np.newaxis, np.newaxis], tf.float32))


def _values(planes):
  return dct.to_blocks(planes).numpy()[:, 0, 0]


def test_forward_equals_the_factorisation_in_integers():
  blocks = _blocks()
  found = _values(dct.forward(_planes(blocks)))
  np.testing.assert_array_equal(found, [_forward(block) for block in blocks])


@pytest.mark.parametrize("step", [1, 16, 99, 255])
def test_inverse_equals_the_factorisation_in_integers(step):
  coefficients = [_forward(block) for block in _blocks()]
  dequantised = np.stack(
    [np.round(block / (8 * step)).astype(int) * step for block in coefficients]
  )
  found = _values(dct.inverse(_planes(dequantised)))
  np.testing.assert_array_equal(found, [_inverse(block) for block in dequantised])


def test_nothing_changes_where_a_gpu_would_round_products(monkeypatch):
  planes = _planes(_blocks())
  forward, inverse = dct.forward(planes), dct.inverse(planes)
  monkeypatch.setattr(tf.config.experimental, "tensor_float_32_execution_enabled", lambda: True)
  monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
  np.testing.assert_array_equal(dct.forward(planes), forward)
  np.testing.assert_array_equal(dct.inverse(planes), inverse)


def test_forward_is_the_cosine_transform_times_eight():
  basis = np.cos(np.outer(np.arange(8), 2 * np.arange(8) + 1) * np.pi / 16) / 2
  basis[0] /= np.sqrt(2)
  blocks = _blocks()
  found = _values(dct.forward(_planes(blocks)))
  assert np.abs(found - 8 * basis @ blocks @ basis.T).max() < 4


def test_quantising_rounds_halves_away_from_zero_and_is_a_division_in_integers():
  values = np.arange(-8192, 8192).reshape(4, 64, 8, 8)
  for step in (1, 2, 3, 7, 16, 99, 254, 255):
    steps = tf.fill([4, 8, 8], float(step))
    planes = dct.from_blocks(tf.constant(values.reshape(4, 8, 8, 8, 8), tf.float32))
    found = dct.to_blocks(dct.quantize(planes, steps)).numpy().reshape(values.shape)
    expected = np.sign(values) * ((np.abs(values) + 4 * step) // (8 * step))
    np.testing.assert_array_equal(found, expected)
    again = dct.to_blocks(dct.dequantize(dct.quantize(planes, steps), steps)).numpy()
    np.testing.assert_array_equal(again.reshape(values.shape), expected * step)


def test_each_plane_and_place_has_its_own_step():
  steps = np.arange(1, 129).reshape(2, 8, 8)
  planes = dct.from_blocks(tf.ones([2, 3, 2, 8, 8]))
  found = dct.to_blocks(dct.dequantize(planes, tf.constant(steps, tf.float32)))
  np.testing.assert_array_equal(found, np.broadcast_to(steps[:, None, None], (2, 3, 2, 8, 8)))


def test_blocks_are_where_the_image_has_them():
  images = np.arange(2 * 16 * 24).reshape(2, 16, 24)
  planes = tf.constant(images.transpose(1, 0, 2))
  blocks = dct.to_blocks(planes)
  np.testing.assert_array_equal(blocks[1, 1, 2], images[1, 8:16, 16:24])
  np.testing.assert_array_equal(dct.from_blocks(blocks), planes)

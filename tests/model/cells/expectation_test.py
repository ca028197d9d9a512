import numpy as np
import pytest
from scipy import stats
import tensorflow as tf

from deblock.model.cells import block_dct, consistency, expectation
from deblock.pipeline import jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

TABLES = jpeg_tables.quantization_tables(30)[np.newaxis]
LUMA = TABLES[:, :1, np.newaxis].astype(np.float32)


def _mean(u, sigma):
  u, sigma = np.broadcast_arrays(np.float32(u), np.float32(sigma))
  return expectation.cut_normal_mean(tf.constant(u), tf.constant(sigma)).numpy()


def _cells(photograph, kind):
  """Returns a decoded JPEG, float [1, H, W, C], its cells and its subsampling."""
  clean = photograph(48, 64)
  clean = codec.to_gray(clean) if kind == "gray" else clean
  sampled = "444" if kind == "gray" else kind
  integers = jpegsim.coefficients(clean[np.newaxis], TABLES, sampled)
  decoded = codec.decode(codec.encode(clean, 30, sampled))[..., : clean.shape[2]]
  bounds = consistency.cells(integers, TABLES)
  return tf.constant(decoded[np.newaxis] / np.float32(255.0)), bounds, sampled


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.3, 1.0])
def test_it_is_the_mean_of_a_cut_normal_variable(sigma):
  u = np.linspace(-0.5 - 2.9 * sigma, 0.5 + 2.9 * sigma, 201)
  expected = stats.truncnorm.mean((-0.5 - u) / sigma, (0.5 - u) / sigma, loc=u, scale=sigma)
  np.testing.assert_allclose(_mean(u, sigma), expected, atol=3e-4 * max(sigma, 0.1))


def test_a_sure_network_is_believed_and_an_unsure_one_is_not():
  u = np.linspace(-0.4, 0.4, 9)
  np.testing.assert_allclose(_mean(u, 0.01), u, atol=1e-6)
  # Of a nearly even density only the slope is left: its variance, 1/12, over the error's.
  np.testing.assert_allclose(_mean(u, 3.0), u / 12 / 9, rtol=0.02, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.02, 0.2, 0.8])
def test_it_is_inside_odd_and_rises(sigma):
  u = np.linspace(-30.0, 30.0, 6001)
  made = _mean(u, sigma)
  assert np.isfinite(made).all() and np.abs(made).max() < 0.5
  np.testing.assert_allclose(made, -made[::-1], atol=1e-6)
  assert (np.diff(made) > -1e-5).all()


@pytest.mark.parametrize("kind", ["420", "422", "444", "gray"])
def test_every_plane_ends_inside_its_cells(photograph, kind):
  decoded, bounds, sampled = _cells(photograph, kind)
  noise = np.random.default_rng(0).normal(0.0, 0.1, decoded.shape).astype(np.float32)
  made = expectation.expect(decoded + noise, bounds, sampled)
  assert made.dtype == tf.float32 and made.shape == decoded.shape
  # What is inside is left alone by the projection.
  np.testing.assert_allclose(
    consistency.project(made, bounds, sampled, 0.0).numpy(), made.numpy(), atol=2e-6
  )
  assert np.abs(made.numpy() - decoded.numpy()).mean() > 1e-3


def test_the_middle_of_every_cell_is_where_it_was():
  middles = LUMA * np.random.default_rng(0).integers(-4, 5, (1, 3, 5, 8, 8)).astype(np.float32)
  plane = (block_dct.inverse(tf.constant(middles)) + 128.0) / 255.0
  image = plane[..., tf.newaxis]
  bounds = consistency.cells([middles / LUMA], TABLES)
  np.testing.assert_allclose(expectation.expect(image, bounds), image, atol=1e-5)


def test_it_is_nearer_to_the_original_than_the_projection_where_errors_are_normal():
  random = np.random.default_rng(0)
  integers = random.integers(-1, 2, (1, 20, 20, 8, 8)).astype(np.float32)
  original = (integers + random.uniform(-0.5, 0.5, integers.shape)) * LUMA
  # Its deviations for integers of -1, 0 and 1.
  errors = random.normal(size=integers.shape) * expectation._LUMA[0] * LUMA**expectation._STEPS
  bounds = consistency.cells([integers], TABLES)

  def image(coefficients):
    plane = block_dct.inverse(tf.constant(coefficients, tf.float32)) + 128.0
    return plane[..., tf.newaxis] / 255.0

  seen, clean = image(original + errors * LUMA), image(original)
  made = (expectation.expect(seen, bounds), consistency.project(seen, bounds, tolerance=0.0), seen)
  expected, projected, free = (float(tf.reduce_mean((each - clean) ** 2)) for each in made)
  assert expected < 0.95 * projected < 0.95 * free


def test_what_has_no_cell_stays_and_gradients_are_finite():
  infinity = tf.fill((1, 2, 2, 8, 8), float("inf"))
  image = tf.random.stateless_uniform((1, 16, 16, 1), (0, 1))
  np.testing.assert_allclose(
    expectation.expect(image, [consistency.Cells(-infinity, infinity)]), image, atol=1e-6
  )
  zeros = np.zeros((1, 2, 2, 8, 8))
  bounds = consistency.cells([zeros], TABLES)[0]
  half = consistency.Cells(
    tf.where(tf.range(8) < 4, bounds.low, -infinity),
    tf.where(tf.range(8) < 4, bounds.high, infinity),
  )
  with tf.GradientTape() as tape:
    tape.watch(image)
    made = tf.reduce_sum(expectation.expect(image, [half]) ** 2)
  gradient = tape.gradient(made, image)
  assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


def test_no_part_of_the_way_is_the_projection_and_all_of_it_ends_deeper_inside(photograph):
  decoded, bounds, sampled = _cells(photograph, "444")
  noise = np.random.default_rng(0).normal(0.0, 0.1, decoded.shape).astype(np.float32)
  none, half, whole, unsure = (
    expectation.expect(decoded + noise, bounds, sampled, **options).numpy()
    for options in ({"way": 0.0}, {"way": 0.5}, {"way": 1.0}, {"way": 1.0, "doubt": 3.0})
  )
  projected = consistency.project(decoded + noise, bounds, sampled, 0.0)
  np.testing.assert_allclose(none, projected, atol=2e-6)
  np.testing.assert_allclose(half, (none + whole) / 2, atol=2e-6)
  away = [np.square(made - decoded.numpy()).mean() for made in (none, half, whole, unsure)]
  assert away[0] > away[1] > away[2] > away[3]


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"way": 1.5}, r"way must be in \[0, 1\], got 1.5"),
    ({"doubt": 0.0}, "doubt must be more than 0"),
  ],
)
def test_a_part_or_a_doubt_out_of_range_is_refused(photograph, options, message):
  decoded, bounds, sampled = _cells(photograph, "444")
  with pytest.raises(ValueError, match=message):
    expectation.expect(decoded, bounds, sampled, **options)


def test_cells_of_another_number_of_planes_are_refused(photograph):
  decoded, bounds, _ = _cells(photograph, "444")
  with pytest.raises(ValueError, match="cells must be those of 1 or 3 planes, got 2"):
    expectation.expect(decoded, bounds[:2], "444")
  with pytest.raises(ValueError, match="subsampling"):
    expectation.expect(decoded, bounds, "411")

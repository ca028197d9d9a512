import numpy as np
import pytest

from deblock.model import restorer, self_ensemble
from deblock.model.networks import registry

_TABLES = np.arange(1, 129, dtype=np.float32).reshape(1, 2, 8, 8)
_STEPS = _TABLES[0]


def _images(height, width):
  return np.random.default_rng(0).random((2, height, width, 3), np.float32)


def _positions(images):
  """The eight positions by turns of 90 degrees and one mirror."""
  for mirrored in (images, images[:, :, ::-1]):
    for turns in range(4):
      yield np.rot90(mirrored, turns, axes=(1, 2))


def test_the_eight_positions_of_a_square_are_seen_once_each():
  seen = []
  self_ensemble.mean(lambda images, tables: seen.append(images) or images, _images(4, 6), _TABLES)
  assert len(seen) == 8
  for expected in _positions(_images(4, 6)):
    alike = [made for made in seen if made.shape == expected.shape and (made == expected).all()]
    assert len(alike) == 1


def test_tables_are_transposed_with_their_image():
  images = _images(8, 16)
  seen = []
  self_ensemble.mean(
    lambda images, tables: seen.append((images.shape[1:3], tables)) or images, images, _TABLES
  )
  assert sorted(shape for shape, _ in seen) == [(8, 16)] * 4 + [(16, 8)] * 4
  for shape, tables in seen:
    upright = _TABLES if shape == (8, 16) else np.moveaxis(_TABLES, 3, 2)
    np.testing.assert_array_equal(tables, upright)


@pytest.mark.parametrize("size", [(16, 16), (16, 32), (11, 21), (1, 1)])
def test_what_does_not_depend_on_the_position_is_as_without(size):
  images = _images(*size)
  made = self_ensemble.mean(lambda images, tables: 1.0 - images, images, _TABLES, grid=16)
  np.testing.assert_allclose(made, 1.0 - images, atol=1e-6)


def test_it_is_the_mean_of_the_eight_results_put_back():
  """Of a network that takes the first row for all: the mean of all four borders."""
  images = _images(8, 8)
  made = self_ensemble.mean(lambda images, tables: images[:, :1] + 0.0 * images, images, _TABLES)
  rows = images[:, :1] + images[:, -1:]
  columns = images[:, :, :1] + images[:, :, -1:]
  np.testing.assert_allclose(made, (rows + columns) / 4.0, atol=1e-6)


def test_turned_images_begin_where_a_block_does():
  """The last row and column go on to the grid, so the first pixel of a flipped one is theirs."""
  images = _images(20, 9)
  sizes, corners = set(), []

  def run(images, tables):
    sizes.add(images.shape[1:3])
    corners.append(images[:, 0, 0])
    return images

  self_ensemble.mean(run, images, _TABLES, grid=8)
  assert sizes == {(24, 16), (16, 24)}
  for corner in corners:
    alike = [
      row or column
      for row in (0, -1)
      for column in (0, -1)
      if (corner == images[:, row, column]).all()
    ]
    assert alike


@pytest.mark.parametrize(
  ("name", "size"), [("blockcnn", (16, 24)), ("arcnn", (16, 48)), ("fbcnn", (16, 32))]
)
def test_a_restorer_with_it_does_not_see_how_an_image_is_turned(
  random_network, photograph, name, size
):
  entry = registry.get(name)
  restore = restorer.Restorer(random_network(name), entry, ensemble=True)
  image = photograph(*size)
  made = restore(image, _STEPS)
  assert (made != restorer.Restorer(random_network(name), entry)(image, _STEPS)).any()
  turned = restore(image[::-1].swapaxes(0, 1), _STEPS.swapaxes(1, 2))
  difference = turned.astype(int) - made[::-1].swapaxes(0, 1)
  assert np.abs(difference).max() <= 1


def test_images_of_any_size_keep_it(random_network, photograph):
  entry = registry.get("deblocknet_fast")
  restore = restorer.Restorer(random_network("deblocknet_fast"), entry, tile=64, ensemble=True)
  for size in ((1, 1), (9, 70), (130, 40)):
    image = photograph(*size)
    assert restore(image, _STEPS).shape == image.shape

import keras
import numpy as np
import pytest

from deblock.model import restorer
from deblock.model.networks import config, input_maps, registry
from deblock.records.jpeg import tables as jpeg_tables

_RANDOM = np.random.default_rng(0)
_IMAGES = _RANDOM.uniform(size=(2, 9, 21, 3)).astype(np.float32)
_TABLES = np.stack([jpeg_tables.quantization_tables(quality) for quality in (10, 85)]).astype(
  np.float32
)


def test_table_maps_repeat_the_tables_with_the_blocks():
  made = input_maps.TableMaps()([_IMAGES, _TABLES]).numpy()
  assert made.shape == (2, 9, 21, 5)
  np.testing.assert_array_equal(made[..., :3], _IMAGES)
  for image, row, column, plane in np.ndindex(2, 9, 21, 2):
    step = _TABLES[image, plane, row % 8, column % 8]
    # Steps 1 and 255 become -1 and 1.
    expected = np.log(step / np.sqrt(255.0)) / np.log(np.sqrt(255.0))
    np.testing.assert_allclose(made[image, row, column, 3 + plane], expected, atol=1e-6)


def test_the_quality_map_is_the_quality_everywhere():
  made = input_maps.QualityMap()([_IMAGES, _TABLES]).numpy()
  assert made.shape == (2, 9, 21, 4)
  np.testing.assert_array_equal(made[..., :3], _IMAGES)
  np.testing.assert_allclose(made[0, ..., 3], 0.10, rtol=1e-6)
  np.testing.assert_allclose(made[1, ..., 3], 0.85, rtol=1e-6)


def test_every_quality_is_found_from_its_tables_turned_or_not():
  tables = jpeg_tables.all_quantization_tables()[1:]
  found = input_maps.nearest_quality(tables).numpy()
  np.testing.assert_array_equal(found, np.arange(1, 101))
  np.testing.assert_array_equal(input_maps.nearest_quality(tables.swapaxes(2, 3)), found)


def test_other_tables_have_the_quality_of_the_nearest():
  tables = jpeg_tables.all_quantization_tables()[[20, 50]]
  tables[:, 1] = 99.0  # Chroma does not count.
  tables[:, 0] += _RANDOM.integers(-1, 2, (2, 8, 8))
  np.testing.assert_array_equal(input_maps.nearest_quality(tables), [20, 50])


@pytest.mark.parametrize("layer", [input_maps.TableMaps(), input_maps.QualityMap()])
def test_a_layer_survives_its_config_and_knows_its_shape(layer):
  again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
  assert again.get_config() == layer.get_config()
  made = again([_IMAGES, _TABLES])
  assert layer.compute_output_shape([_IMAGES.shape, _TABLES.shape]) == tuple(made.shape)


@pytest.mark.parametrize("condition", config.CONDITIONS)
def test_a_network_depends_on_its_condition_alone(condition, randomize):
  settings = config.ModelConfig(model="arcnn", width=16, condition=condition)
  entry = registry.configured(settings)
  network = randomize(registry.build(settings))
  maps = {config.NONE: 0, config.QUALITY: 1, config.TABLES: 2}[condition]
  assert network.get_layer("convolution1").kernel.shape[2] == 3 + maps
  assert entry.conditioned == (condition != config.NONE)
  # The second has the first's quality, but other chroma; the third another quality.
  tables = np.stack([_TABLES[0], [_TABLES[0, 0], _TABLES[1, 1]], _TABLES[1]])
  images = np.repeat(_IMAGES[:1], 3, axis=0)
  made = network(entry.inputs(images, tables), training=False).numpy()
  chroma, quality = (np.abs(made[other] - made[0]).max() > 1e-4 for other in (1, 2))
  assert chroma == (condition == config.TABLES)
  assert quality == (condition != config.NONE)


def test_what_a_network_cannot_be_told_is_refused():
  for name, condition, message in (
    ("deblocknet", "none", "condition must be tables for deblocknet, got 'none'"),
    ("fbcnn", "quality", "condition must be none for fbcnn, got 'quality'"),
    ("blockcnn_kodak", "tables", "condition must be none for blockcnn_kodak, got 'tables'"),
  ):
    settings = config.ModelConfig(model=name, condition=condition)
    with pytest.raises(ValueError, match=message):
      registry.configured(settings)
    with pytest.raises(ValueError, match=message):
      registry.build(settings)


def test_left_open_each_network_is_told_what_it_needs():
  for name in registry.names():
    own = registry.configured(config.ModelConfig(model=name)).conditions
    assert own == (config.TABLES if name.startswith("deblocknet") else config.NONE,)


def test_all_blocks_of_an_image_get_the_same_maps(randomize):
  """Run block by block, many blocks in a call."""
  settings = config.ModelConfig(model="blockcnn", width=3, condition="tables")
  entry = registry.configured(settings)
  restore = restorer.Restorer(randomize(registry.build(settings)), entry)
  image = np.tile(_RANDOM.integers(0, 256, (8, 8, 3)), (6, 7, 1)).astype(np.uint8)
  tables = _TABLES[0]
  restored = restore(image, tables)
  # Of equal blocks all are restored alike, but for those that see the border.
  inner = restored[8:-8, 8:-8]
  np.testing.assert_array_equal(inner, np.tile(inner[:8, :8], (4, 5, 1)))
  assert (restore(image, tables.swapaxes(1, 2)) != restored).any()
  with pytest.raises(ValueError, match="blockcnn needs the JPEG's quantisation tables, got none"):
    restore(image)

"""Records of small synthetic images, settings of tiny runs, and a network that compiles fast."""

import functools

import keras
import numpy as np
from PIL import Image
import pytest

from deblock.launch.settings import train as train_settings
from deblock.model.networks import blocks, registry
from deblock.records.planning import config as records_config
from deblock.records.writing import writer

QUALITIES = (10, 20)


def _picture(height, width, number=0):
  """Returns smooth waves with a little noise, uint8 [height, width, 3]."""
  rows, columns = np.mgrid[:height, :width]
  waves = np.sin(columns / (5 + number))[..., None] * (60, 40, 25)
  waves = waves + 50 * np.cos(rows / (7 + number))[..., None]
  noise = np.random.default_rng(number).normal(0, 6, (height, width, 3))
  return np.clip(128 + waves + noise, 0, 255).astype(np.uint8)


def _tiny(width, residual):
  """A network of two convolutions without batch normalisation, with blockcnn's context."""
  del residual
  compressed = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(width, 3, activation="relu")(compressed)
  features = blocks.CenterCrop(7)(features)
  return keras.Model(compressed, keras.layers.Conv2D(3, 1, dtype="float32")(features))


def _normalised(width, residual):
  """The same with batch normalisation, whose statistics are weights that no gradient changes."""
  del residual
  compressed = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(width, 3)(compressed)
  features = keras.layers.ReLU()(keras.layers.BatchNormalization()(features))
  features = blocks.CenterCrop(7)(features)
  return keras.Model(compressed, keras.layers.Conv2D(3, 1, dtype="float32")(features))


@pytest.fixture(scope="session")
def picture():
  """The function (height, width, number=0) -> uint8 [height, width, 3]."""
  return _picture


@pytest.fixture(scope="session")
def records(tmp_path_factory):
  """A folder of records made from five images; tests must not change it."""
  root = tmp_path_factory.mktemp("launch")
  (root / "images").mkdir()
  for number in range(5):
    Image.fromarray(_picture(96, 96, number)).save(root / "images" / f"{number}.png")
  writer.write(
    records_config.RecordsConfig(
      images=str(root / "images"),
      records=str(root / "records"),
      qualities=QUALITIES,
      tile_size=48,
      test_share=0.3,
    )
  )
  return str(root / "records")


def _registered(monkeypatch, name, build):
  entry = registry.Entry(
    name=name, description="for tests", build=build, context=8, border="mirror", blockwise=False
  )
  monkeypatch.setitem(registry._ENTRIES, name, entry)
  return name


@pytest.fixture
def tiny(monkeypatch):
  """The name of a registered network of a few hundred weights; its width must be given."""
  return _registered(monkeypatch, "tiny", _tiny)


@pytest.fixture
def tiny_normalised(monkeypatch):
  """The same with batch normalisation."""
  return _registered(monkeypatch, "tiny_normalised", _normalised)


@pytest.fixture
def small_settings(tmp_path):
  """The function (**settings) -> RunConfig of a tiny run, whose records do not exist."""

  def make(**changes):
    values = {
      "records": str(tmp_path / "records"),
      "logdir": str(tmp_path / "run"),
      "width": 2,
      "batch_size": 4,
      "crops_per_tile": 4,
      "mixed_tiles": 4,
      "max_steps": 4,
      "steps_per_call": 2,
      "log_every_steps": 2,
      "evaluate_every_steps": 4,
      "checkpoint_every_steps": 4,
      "evaluation_tiles": 1,
      "strategy": "cpu",
      "jit_compile": "false",  # Compiling takes longer than such runs.
      **changes,
    }
    return train_settings.run_of(values)

  return make


@pytest.fixture
def small_run(records, small_settings):
  """The same with records, which can be trained."""
  return functools.partial(small_settings, records=records)

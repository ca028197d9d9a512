import pathlib

import keras
import numpy as np
import pytest

from deblock.launch.run_folder import checkpoints, initialization, saved_weights
from deblock.model import pretrained
from deblock.model.networks import config, registry


def _network(width=2, seed=0):
  keras.utils.set_random_seed(seed)
  image = keras.Input((None, None, 3), name="compressed")
  features = keras.layers.Conv2D(width, 3, name="first")(image)
  features = keras.layers.BatchNormalization(name="normal")(features)
  return keras.Model(image, keras.layers.Conv2D(3, 1, name="last")(features), name="mine")


def _saved(folder):
  network = _network()
  optimizer = keras.optimizers.SGD(0.1)
  optimizer.build(network.trainable_variables)
  return network, checkpoints.Checkpoints(str(folder), network, optimizer).save()


def _assert_equal(network, arrays):
  for weight, array in zip(network.weights, arrays, strict=True):
    np.testing.assert_array_equal(weight.numpy(), array)


def test_a_run_its_checkpoint_and_shipped_weights_give_all_of_theirs(tmp_path):
  stored, path = _saved(tmp_path)
  arrays = [weight.numpy() for weight in stored.weights]
  for source in (str(tmp_path), path):
    fresh = _network(seed=1)
    assert saved_weights.initialize(fresh, source) == path
    _assert_equal(fresh, arrays)
  shipped, _ = pretrained.load("fast")
  fresh = registry.build(config.ModelConfig(model="deblocknet_fast"))
  assert "fast" in saved_weights.initialize(fresh, "fast")
  _assert_equal(fresh, [weight.numpy() for weight in shipped.weights])


def test_the_first_weight_that_differs_is_named(tmp_path):
  _, path = _saved(tmp_path)
  other = _network(width=3)
  before = [weight.numpy() for weight in other.weights]
  message = (
    rf"init_from {tmp_path} does not fit mine: first/kernel, .*, is \(3, 3, 3, 3\) in the network "
    rf"and \(3, 3, 3, 2\) in {path}"
  )
  with pytest.raises(ValueError, match=message):
    saved_weights.initialize(other, str(tmp_path))
  _assert_equal(other, before)


@pytest.mark.parametrize(
  ("change", "said"),
  [
    (lambda arrays: arrays[:-1], "last/bias, .*, is .* in the network and missing in"),
    (lambda arrays: [*arrays, arrays[-1]], "which has 8 weights: .* holds 9, the first 8"),
  ],
)
def test_another_number_of_weights_is_told(tmp_path, monkeypatch, change, said):
  stored, _ = _saved(tmp_path)
  arrays = change([weight.numpy() for weight in stored.weights])
  monkeypatch.setattr(saved_weights, "arrays", lambda path: arrays)
  with pytest.raises(ValueError, match=f"init_from .* does not fit mine.* {said}"):
    saved_weights.initialize(_network(), str(tmp_path))


def test_nothing_there_is_said(tmp_path):
  missing = str(tmp_path / "nowhere")
  message = f"init_from must be a run's folder, a checkpoint or one of default, fast, got {missing}"
  with pytest.raises(FileNotFoundError, match=message):
    saved_weights.initialize(_network(), missing)


def test_a_damaged_checkpoint_is_named(tmp_path):
  _, path = _saved(tmp_path)
  data = pathlib.Path(f"{path}.data-00000-of-00001")
  data.write_bytes(data.read_bytes()[:40])
  with pytest.raises(ValueError, match=f"{path} is damaged"):
    saved_weights.initialize(_network(), path)

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.run_folder import checkpoint_folder, checkpoints, saved_weights
from deblock.model import pretrained
from deblock.model.networks import config, registry


def _network(width=2, seed=0):
  keras.utils.set_random_seed(seed)
  image = keras.Input((None, None, 3), name="compressed")
  features = keras.layers.Conv2D(width, 3, name="first")(image)
  features = keras.layers.BatchNormalization(name="normal")(features)
  return keras.Model(image, keras.layers.Conv2D(3, 1, name="last")(features), name="mine")


def _optimizer(network):
  optimizer = keras.optimizers.Adam(0.1)
  optimizer.build(network.trainable_variables)
  return optimizer


def _saved(folder, width=2):
  """Saves a network after one step of its optimiser; returns network, optimiser and path."""
  network = _network(width)
  optimizer = _optimizer(network)
  optimizer.apply([np.ones(variable.shape) for variable in network.trainable_variables])
  saver = checkpoints.Checkpoints(str(folder), network, optimizer)
  saver.step.assign(7)
  saver.seconds.assign(1.5)
  return network, optimizer, saver.save()


def _values(owner):
  return [variable.numpy() for variable in owner.variables]


def _assert_equal(actual, expected):
  for one, other in zip(_values(actual), _values(expected), strict=True):
    np.testing.assert_array_equal(one, other)


def _saved_with_averages(folder):
  network = _network()
  averages = [tf.Variable(weight.numpy() + 1.0) for weight in network.weights]
  saver = checkpoints.Checkpoints(
    str(folder), network, _optimizer(network), {"averages": averages, "scale": [tf.Variable(3.0)]}
  )
  saver.step.assign(7)
  return network, averages, saver.save()


def _assert_weights(network, arrays):
  for weight, array in zip(network.weights, arrays, strict=True):
    np.testing.assert_array_equal(weight.numpy(), array)


@pytest.mark.parametrize("name", registry.names())
def test_no_weight_of_any_network_is_left_out(tmp_path, name):
  network = registry.build(registry.usual(name, width=2))
  numbers = np.random.default_rng(0)
  for weight in network.weights:
    weight.assign(numbers.uniform(size=weight.shape))
  path = checkpoints.Checkpoints(str(tmp_path), network, _optimizer(network)).save()
  for array, weight in zip(saved_weights.arrays(path), network.weights, strict=True):
    np.testing.assert_array_equal(array, weight.numpy(), err_msg=weight.path)


def test_a_network_is_loaded_without_its_optimizer(tmp_path):
  network, _, _ = _saved(tmp_path)
  fresh = _network(seed=1)
  assert saved_weights.load(str(tmp_path), fresh) == 7
  _assert_equal(fresh, network)


def test_no_checkpoint_is_said(tmp_path):
  with pytest.raises(FileNotFoundError, match=f"{tmp_path}.* has no checkpoint"):
    saved_weights.latest(str(tmp_path))
  with pytest.raises(FileNotFoundError, match="has no checkpoint"):
    saved_weights.load(str(tmp_path), _network())


def test_a_run_without_a_best_one_says_so(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"no best checkpoint: .*--checkpoint=latest"):
    saved_weights.load(str(tmp_path), _saved(tmp_path)[0], "best")


@pytest.mark.parametrize(
  ("name", "logdir", "message"),
  [
    ("first", "run", "checkpoint must be one of latest, best, got 'first'"),
    ("best", "", "checkpoint best is of a run: name its folder with --logdir=DIR"),
  ],
)
def test_an_unknown_choice_of_checkpoint_is_refused(name, logdir, message):
  with pytest.raises(ValueError, match=message):
    checkpoint_folder.check_which(name, logdir)
  checkpoint_folder.check_which("", logdir)


@pytest.mark.parametrize(("weights", "more"), [("auto", 1.0), ("averaged", 1.0), ("raw", 0.0)])
def test_a_network_gets_the_kind_of_weights_that_is_chosen(tmp_path, weights, more):
  network, _, path = _saved_with_averages(tmp_path)
  fresh = _network(seed=1)
  assert saved_weights.load(str(tmp_path), fresh, kind=weights) == 7
  stored = saved_weights.arrays(path, weights)
  for one, array, other in zip(fresh.weights, stored, network.weights, strict=True):
    np.testing.assert_array_equal(one.numpy(), other.numpy() + more)
    np.testing.assert_array_equal(array, other.numpy() + more)


def test_a_checkpoint_without_averages_gives_its_weights_unless_they_are_asked_for(tmp_path):
  network, _, path = _saved(tmp_path)
  fresh = _network(seed=1)
  saved_weights.load(str(tmp_path), fresh, kind="auto")
  _assert_equal(fresh, network)
  with pytest.raises(ValueError, match=f"{path} holds no averaged weights: .*--weights=raw"):
    saved_weights.load(str(tmp_path), fresh, kind="averaged")


def test_a_run_its_checkpoint_and_pretrained_weights_give_all_their_weights(tmp_path):
  stored, _, path = _saved(tmp_path)
  arrays = [weight.numpy() for weight in stored.weights]
  for source in (str(tmp_path), path):
    fresh = _network(seed=1)
    assert saved_weights.initialize(fresh, source) == path
    _assert_weights(fresh, arrays)
  shipped, _ = pretrained.load("fast")
  fresh = registry.build(config.ModelConfig(model="deblocknet_fast"))
  assert "fast" in saved_weights.initialize(fresh, "fast")
  _assert_weights(fresh, [weight.numpy() for weight in shipped.weights])


def test_the_first_weight_that_differs_is_named(tmp_path):
  _, _, path = _saved(tmp_path)
  other = _network(width=3)
  before = [weight.numpy() for weight in other.weights]
  message = (
    rf"init_from {tmp_path} does not fit mine: first/kernel, .*, is \(3, 3, 3, 3\) in the network "
    rf"and \(3, 3, 3, 2\) in {path}"
  )
  with pytest.raises(ValueError, match=message):
    saved_weights.initialize(other, str(tmp_path))
  _assert_weights(other, before)


@pytest.mark.parametrize(
  ("change", "said"),
  [
    (lambda arrays: arrays[:-1], "last/bias, .*, is .* in the network and missing in"),
    (lambda arrays: [*arrays, arrays[-1]], "which has 8 weights: .* holds 9, the first 8"),
  ],
)
def test_another_number_of_weights_is_named(tmp_path, monkeypatch, change, said):
  stored, _, _ = _saved(tmp_path)
  arrays = change([weight.numpy() for weight in stored.weights])
  monkeypatch.setattr(saved_weights, "arrays", lambda path: arrays)
  with pytest.raises(ValueError, match=f"init_from .* does not fit mine.* {said}"):
    saved_weights.initialize(_network(), str(tmp_path))


def test_a_missing_source_is_named(tmp_path):
  missing = str(tmp_path / "nowhere")
  message = f"init_from must be a run's folder, a checkpoint or one of default, fast, got {missing}"
  with pytest.raises(FileNotFoundError, match=message):
    saved_weights.initialize(_network(), missing)


def test_a_damaged_checkpoint_is_named(tmp_path):
  _, _, path = _saved(tmp_path)
  data = pathlib.Path(f"{path}.data-00000-of-00001")
  data.write_bytes(data.read_bytes()[:40])
  with pytest.raises(ValueError, match=f"{path} is damaged"):
    saved_weights.initialize(_network(), path)

import pathlib

import keras
import numpy as np
import pytest

from deblock.launch import checkpoints
from deblock.model import registry


def _network(width=2, seed=0):
  keras.utils.set_random_seed(seed)
  image = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(width, 3)(image)
  features = keras.layers.BatchNormalization()(features)
  return keras.Model(image, keras.layers.Conv2D(3, 1)(features))


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


def test_all_of_a_run_is_restored(tmp_path):
  network, optimizer, path = _saved(tmp_path)
  fresh = _network(seed=1)
  fresh_optimizer = _optimizer(fresh)
  restorer = checkpoints.Checkpoints(str(tmp_path), fresh, fresh_optimizer)
  assert restorer.restore() == path == checkpoints.latest(str(tmp_path))
  _assert_equal(fresh, network)
  _assert_equal(fresh_optimizer, optimizer)
  assert restorer.step.numpy() == 7 and restorer.seconds.numpy() == 1.5


def test_a_worker_restores_what_the_chief_saved_and_saves_elsewhere(tmp_path):
  chiefs, own = tmp_path / "run", tmp_path / "own"
  network, _, path = _saved(chiefs)
  before = sorted((chiefs / checkpoints.FOLDER).iterdir())
  fresh = _network(seed=1)
  worker = checkpoints.Checkpoints(str(chiefs), fresh, _optimizer(fresh), str(own))
  assert worker.restore() == path
  _assert_equal(fresh, network)
  assert worker.save() == checkpoints.latest(str(own))
  assert sorted((chiefs / checkpoints.FOLDER).iterdir()) == before


@pytest.mark.parametrize("name", registry.names())
def test_no_weight_of_any_network_is_left_out(tmp_path, name):
  network = registry.get(name).build(2, name != "blockcnn_kodak")
  numbers = np.random.default_rng(0)
  for weight in network.weights:
    weight.assign(numbers.uniform(size=weight.shape))
  checkpoints.Checkpoints(str(tmp_path), network, _optimizer(network)).save()
  fresh = registry.get(name).build(2, name != "blockcnn_kodak")
  checkpoints.restore_network(str(tmp_path), fresh)
  for restored, saved in zip(fresh.weights, network.weights, strict=True):
    np.testing.assert_array_equal(restored.numpy(), saved.numpy(), err_msg=saved.path)


def test_a_network_is_restored_without_its_optimizer(tmp_path):
  network, _, _ = _saved(tmp_path)
  fresh = _network(seed=1)
  assert checkpoints.restore_network(str(tmp_path), fresh) == 7
  _assert_equal(fresh, network)


def test_a_run_without_a_checkpoint_starts_anew(tmp_path):
  network = _network()
  saver = checkpoints.Checkpoints(str(tmp_path), network, _optimizer(network))
  assert saver.restore() is None
  assert saver.step.numpy() == 0


def test_only_the_latest_are_kept(tmp_path):
  network = _network()
  saver = checkpoints.Checkpoints(str(tmp_path), network, _optimizer(network))
  paths = []
  for step in range(1, checkpoints.KEPT + 3):
    saver.step.assign(step)
    paths.append(saver.save())
  kept = {path.stem for path in (tmp_path / checkpoints.FOLDER).glob("*.index")}
  assert kept == {pathlib.Path(path).name for path in paths[-checkpoints.KEPT :]}


def test_no_checkpoint_is_said(tmp_path):
  with pytest.raises(FileNotFoundError, match=f"{tmp_path}.* has no checkpoint"):
    checkpoints.latest(str(tmp_path))
  with pytest.raises(FileNotFoundError, match="has no checkpoint"):
    checkpoints.restore_network(str(tmp_path), _network())


def test_a_checkpoint_of_another_width_is_named(tmp_path):
  _, _, path = _saved(tmp_path, width=2)
  other = _network(width=3)
  with pytest.raises(ValueError, match=f"{path} is damaged, or holds another network"):
    checkpoints.restore_network(str(tmp_path), other)
  with pytest.raises(ValueError, match=f"{path} is damaged, or holds another network"):
    checkpoints.Checkpoints(str(tmp_path), other, _optimizer(other)).restore()


def test_a_checkpoint_of_a_smaller_network_is_named(tmp_path):
  _saved(tmp_path)
  image = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(2, 3)(image)
  features = keras.layers.BatchNormalization()(features)
  features = keras.layers.Conv2D(3, 1)(features)
  deeper = keras.Model(image, keras.layers.Conv2D(3, 1)(features))
  with pytest.raises(ValueError, match="holds another network"):
    checkpoints.restore_network(str(tmp_path), deeper)


@pytest.mark.parametrize("suffix", [".data-00000-of-00001", ".index"])
def test_a_truncated_file_is_named(tmp_path, suffix):
  network, optimizer, path = _saved(tmp_path)
  file = pathlib.Path(path + suffix)
  file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
  with pytest.raises(ValueError, match=f"{path} is damaged"):
    checkpoints.restore_network(str(tmp_path), network)
  with pytest.raises(ValueError, match=f"{path} is damaged"):
    checkpoints.Checkpoints(str(tmp_path), network, optimizer).restore()

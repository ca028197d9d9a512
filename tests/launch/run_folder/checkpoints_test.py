import json
import pathlib
import re
import resource

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.run_folder import checkpoints, saved_weights


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


def test_all_of_a_run_is_loaded(tmp_path):
  network, optimizer, path = _saved(tmp_path)
  fresh = _network(seed=1)
  fresh_optimizer = _optimizer(fresh)
  loader = checkpoints.Checkpoints(str(tmp_path), fresh, fresh_optimizer)
  assert loader.load() == path == saved_weights.latest(str(tmp_path))
  _assert_equal(fresh, network)
  _assert_equal(fresh_optimizer, optimizer)
  assert loader.step.numpy() == 7 and loader.seconds.numpy() == 1.5


def test_a_worker_loads_what_the_chief_saved_and_saves_elsewhere(tmp_path):
  chiefs, own = tmp_path / "run", tmp_path / "own"
  network, _, path = _saved(chiefs)
  before = sorted((chiefs / checkpoints.FOLDER).iterdir())
  fresh = _network(seed=1)
  worker = checkpoints.Checkpoints(str(chiefs), fresh, _optimizer(fresh), saved_in=str(own))
  assert worker.load() == path
  _assert_equal(fresh, network)
  assert worker.save() == saved_weights.latest(str(own))
  assert sorted((chiefs / checkpoints.FOLDER).iterdir()) == before


def test_a_run_without_a_checkpoint_starts_at_step_zero(tmp_path):
  network = _network()
  saver = checkpoints.Checkpoints(str(tmp_path), network, _optimizer(network))
  assert saver.load() is None
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


def test_a_checkpoint_of_another_width_is_named(tmp_path):
  _, _, path = _saved(tmp_path, width=2)
  other = _network(width=3)
  with pytest.raises(ValueError, match=f"{path} is damaged, or holds another network"):
    saved_weights.load(str(tmp_path), other)
  with pytest.raises(ValueError, match=f"{path} is damaged, or holds another network"):
    checkpoints.Checkpoints(str(tmp_path), other, _optimizer(other)).load()


def test_a_checkpoint_of_a_smaller_network_is_named(tmp_path):
  _saved(tmp_path)
  image = keras.Input((None, None, 3))
  features = keras.layers.Conv2D(2, 3)(image)
  features = keras.layers.BatchNormalization()(features)
  features = keras.layers.Conv2D(3, 1)(features)
  deeper = keras.Model(image, keras.layers.Conv2D(3, 1)(features))
  with pytest.raises(ValueError, match="holds another network"):
    saved_weights.load(str(tmp_path), deeper)


@pytest.mark.parametrize("suffix", [".data-00000-of-00001", ".index"])
def test_a_truncated_file_is_named(tmp_path, suffix):
  network, optimizer, path = _saved(tmp_path)
  file = pathlib.Path(path + suffix)
  file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
  with pytest.raises(ValueError, match=f"{path} is damaged"):
    saved_weights.load(str(tmp_path), network)
  with pytest.raises(ValueError, match=f"{path} is damaged"):
    checkpoints.Checkpoints(str(tmp_path), network, optimizer).load()


def _damage(path, suffix=".data-00000-of-00001"):
  """Changes one bit in the middle of a file of a checkpoint."""
  file = pathlib.Path(path + suffix)
  data = bytearray(file.read_bytes())
  data[len(data) // 2] ^= 1
  file.write_bytes(data)


@pytest.fixture
def warnings(monkeypatch):
  """The warnings that are logged."""
  logged = []
  monkeypatch.setattr(
    checkpoints.logging, "warning", lambda words, *values: logged.append(words % values)
  )
  return logged


@pytest.fixture
def run(tmp_path):
  """Saves a run's network, whose every weight is the number of steps, at steps 1, 2 and 3."""
  network = _network()
  optimizer = _optimizer(network)
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer)
  paths = [_save_at(saver, network, step) for step in (1, 2, 3)]
  return network, optimizer, paths


def _save_at(saver, network, step, save="save"):
  for weight in network.weights:
    weight.assign(np.full(weight.shape, step))
  saver.step.assign(step)
  return getattr(saver, save)()


def _step_of(network):
  (step,) = {float(number) for weight in network.weights for number in np.ravel(weight.numpy())}
  return step


def test_a_damaged_latest_one_is_named_and_the_one_before_it_taken(tmp_path, run, warnings):
  network, optimizer, paths = run
  _damage(paths[2])
  assert saved_weights.load(str(tmp_path), network) == 2
  (said,) = warnings
  assert said.startswith(f"{paths[2]} is damaged") and said.endswith(f"going back to {paths[1]}.")
  assert _step_of(network) == 2
  pathlib.Path(paths[1] + ".index").write_bytes(b"")
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer)
  assert saver.load() == paths[0] and saver.step.numpy() == 1
  assert _step_of(network) == 1
  assert [words.split()[0] for words in warnings[1:]] == [paths[2], paths[1]]
  # What comes after a run that went back is gone with its next save.
  assert saved_weights.latest(str(tmp_path)) == paths[2]
  assert _save_at(saver, network, 2) == saved_weights.latest(str(tmp_path)) == paths[1]


def test_if_all_are_damaged_each_is_named(tmp_path, run):
  network, optimizer, paths = run
  for path in paths:
    _damage(path)
  with pytest.raises(ValueError, match=f"{paths[2]} is damaged.*; {paths[1]} .*; {paths[0]} "):
    checkpoints.Checkpoints(str(tmp_path), network, optimizer).load()


def test_more_variables_are_saved_under_their_names(tmp_path):
  network = _network()
  optimizer = _optimizer(network)

  def saver(extra):
    return checkpoints.Checkpoints(str(tmp_path), network, optimizer, extra)

  averages = [tf.Variable(3.0), tf.Variable([4.0, 5.0])]
  saver({"averages": averages}).save()
  fresh = [tf.Variable(0.0), tf.Variable([0.0, 0.0])]
  saver({"averages": fresh}).load()
  assert [value.numpy().tolist() for value in fresh] == [3.0, [4.0, 5.0]]
  with pytest.raises(ValueError, match=r"it holds 2 averages, the run has 1\."):
    saver({"averages": fresh[:1]}).load()
  with pytest.raises(ValueError, match=r"it holds 0 scales, the run has 1\."):
    saver({"scales": fresh[:1]}).load()


def test_the_best_one_stays_when_the_latest_ones_go(tmp_path, run):
  network, optimizer, _ = run
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer, keep=1)
  _save_at(saver, network, 3, "save_best")
  best = _save_at(saver, network, 4, "save_best")
  for step in (5, 6):
    _save_at(saver, network, step)
  folder = tmp_path / checkpoints.FOLDER
  assert [path.stem for path in folder.rglob("*.index")] == ["ckpt-6", "ckpt-4"]
  assert best == str(folder / checkpoints.BEST / "ckpt-4")
  assert saved_weights.load(str(tmp_path), network) == 6
  assert saved_weights.load(str(tmp_path), network, "best") == 4
  assert _step_of(network) == 4


def test_weights_that_are_not_finite_are_not_saved(tmp_path, run):
  network, optimizer, paths = run
  network.weights[1].assign([1.0, np.nan])
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer)
  saver.step.assign(4)
  message = rf"conv2d.*/bias holds .* not finite after step 4, .* stays {paths[2]}\. .*logdir"
  for save in (saver.save, saver.save_best):
    with pytest.raises(FloatingPointError, match=message):
      save()
  assert saved_weights.load(str(tmp_path), network) == 3
  assert not (tmp_path / checkpoints.FOLDER / checkpoints.BEST).exists()


def test_a_save_that_finds_no_room_leaves_what_was_there(tmp_path, run):
  network, optimizer, paths = run
  folder = tmp_path / checkpoints.FOLDER
  before = {path.name: path.read_bytes() for path in folder.iterdir()}
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer)
  saver.step.assign(4)
  # Room for a part of it.
  limits = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["ckpt-3.index"]) // 2, limits[1]))
  try:
    message = rf"{folder} cannot take the checkpoint of step 4: File too large.* stays {paths[2]}"
    with pytest.raises(OSError, match=message):
      saver.save()
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
  assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
  assert saver.save() == saved_weights.latest(str(tmp_path)) == str(folder / "ckpt-4")


def test_the_loop_s_notes_come_back_and_settings_can_be_read(tmp_path):
  network = _network()
  optimizer = _optimizer(network)

  def saver():
    return checkpoints.Checkpoints(str(tmp_path), network, optimizer, about={"run": {"seed": 5}})

  first = saver()
  first.notes = {"best": {"value": 0.1 + 0.2, "lowest": float("-inf")}}
  path = first.save()
  second = saver()
  second.load()
  assert second.notes == first.notes
  text = tf.train.load_checkpoint(path).get_tensor("notes/.ATTRIBUTES/py_state")
  about = json.loads(text)["about"]
  assert about == {"run": {"seed": 5}, "versions": checkpoints.versions()}
  assert set(about["versions"]) == {"deblock", "tensorflow", "keras"}


def test_another_version_of_the_code_is_named(tmp_path, run, warnings, monkeypatch):
  network, optimizer, paths = run
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer)
  saver.load()
  assert warnings == []
  now = {**checkpoints.versions(), "deblock": "9.9"}
  monkeypatch.setattr(checkpoints, "versions", lambda: now)
  saver.load()
  (said,) = warnings
  assert re.search(rf"{paths[2]} was saved by another version \(deblock \S+, now 9\.9\)", said)


def test_a_checkpoint_from_before_there_were_notes_is_loaded(tmp_path):
  network = _network()
  optimizer = _optimizer(network)
  old = tf.train.Checkpoint(
    weights=[weight.value for weight in network.weights],
    optimizer=[variable.value for variable in optimizer.variables],
    step=tf.Variable(7, dtype=tf.int64),
    seconds=tf.Variable(1.5, dtype=tf.float64),
  )
  folder = str(tmp_path / checkpoints.FOLDER)
  path = tf.train.CheckpointManager(old, folder, max_to_keep=3).save(checkpoint_number=7)
  saver = checkpoints.Checkpoints(str(tmp_path), network, optimizer)
  assert saver.load() == path
  assert (saver.step.numpy(), saver.seconds.numpy(), saver.notes) == (7, 1.5, {})


def _saved_with_averages(folder):
  network = _network()
  averages = [tf.Variable(weight.numpy() + 1.0) for weight in network.weights]
  saver = checkpoints.Checkpoints(
    str(folder), network, _optimizer(network), {"averages": averages, "scale": [tf.Variable(3.0)]}
  )
  saver.step.assign(7)
  return network, averages, saver.save()


def test_other_state_is_loaded_too(tmp_path):
  _, averages, path = _saved_with_averages(tmp_path)
  fresh = _network(seed=1)
  others = [tf.Variable(weight.numpy()) for weight in fresh.weights]
  scale = tf.Variable(0.0)
  state = {"averages": others, "scale": [scale]}
  loader = checkpoints.Checkpoints(str(tmp_path), fresh, _optimizer(fresh), state)
  assert loader.load() == path
  for one, other in zip(others, averages, strict=True):
    np.testing.assert_array_equal(one.numpy(), other.numpy())
  assert scale.numpy() == 3.0


def test_a_run_has_begun_with_its_first_checkpoint(tmp_path):
  assert not checkpoints.is_begun(str(tmp_path))
  _saved(tmp_path)
  assert checkpoints.is_begun(str(tmp_path))

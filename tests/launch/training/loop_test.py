"""Real trainings: what a run leaves in its folder, through kills, and what settings change in it.

`session_test.py` holds the laws of when steps are taken, logged, evaluated and saved.
"""

import itertools
import math
import pathlib
import re
import shutil
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.machines import strategy as strategy_lib
from deblock.launch.reporting import reporter
from deblock.launch.run_folder import checkpoints, history, run_file
from deblock.launch.training import endings, loop
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import dataset
from deblock.records.layout import manifest

EVERYTHING = {
  "ema_decay": 0.9,
  "accumulate_steps": 2,
  "clip_norm": 0.1,
  "precision": "float16",
  "crop_size": 32,
  "early_crop_sizes": "24@0.5",
  "max_steps": 8,
}


@pytest.fixture(autouse=True)
def _without_curves(monkeypatch):
  """Curves take longer to draw than such runs to train; `reporter_test.py` looks at them."""
  monkeypatch.setattr(reporter.Reporter, "draw", lambda self: None)


class _KilledError(Exception):
  """Stands for whatever ends a process between two steps."""


def _killed_at_reading(number):
  """Returns a clock that can be read so many times."""
  readings = itertools.count()

  def clock():
    if next(readings) == number:
      raise _KilledError
    return 0.0

  return clock


def _state(path):
  """Returns all that a checkpoint holds, by name, except seconds and notes."""
  reader = tf.train.load_checkpoint(path)
  passing = ("seconds", "notes", "save_counter", "_CHECKPOINTABLE_OBJECT_GRAPH")
  state = {
    name: reader.get_tensor(name)
    for name in reader.get_variable_to_shape_map()
    if name.split("/")[0] not in passing
  }
  assert {"step", "optimizer", "weights"} <= {name.split("/")[0] for name in state}
  return state


def _assert_same_bits(one, other):
  assert one.keys() == other.keys()
  for name, value in one.items():
    np.testing.assert_array_equal(value, other[name], err_msg=name)


def _checkpoints(run):
  folder = pathlib.Path(run.train.logdir) / checkpoints.FOLDER
  return sorted(path.stem for path in folder.glob("*.index"))


def test_a_run_that_is_killed_and_stopped_ends_with_the_same_bits_and_curve(
  tiny_normalised, small_run, tmp_path
):
  def run(name):
    return small_run(logdir=str(tmp_path / name), model=tiny_normalised, max_steps=8)

  whole, parts = loop.train(run("whole")), run("parts")
  # Two readings a call of two steps: this ends it at step 6, two after its checkpoint.
  with pytest.raises(_KilledError):
    loop.train(parts, _killed_at_reading(6))
  assert _checkpoints(parts) == ["ckpt-4"]
  stopped = loop.train(parts, stop=iter([False, True]).__next__)
  assert (stopped.ending, stopped.step, stopped.trained) == (endings.STOPPED, 6, True)
  assert _checkpoints(parts) == ["ckpt-4", "ckpt-6"]
  resumed = loop.train(parts)
  assert (resumed.step, resumed.trained, resumed.best) == (8, True, whole.best)
  state = _state(whole.checkpoint)
  # Two of each convolution, and four of the normalisation, its statistics included.
  assert len([name for name in state if name.split("/")[0] == "weights"]) == 8
  _assert_same_bits(state, _state(resumed.checkpoint))
  curves = [history.curves(history.read(str(tmp_path / name))) for name in ("whole", "parts")]
  for curve in curves:
    for name in history.CLOCKED:
      assert [step for step, _ in curve.pop(name)] == [2, 4, 6, 8]
  assert curves[0] == curves[1]
  assert [step for step, _ in curves[0]["eval/psnr_db/q10"]] == [4, 8]

  written = pathlib.Path(f"{resumed.checkpoint}.index").stat().st_mtime_ns
  again = loop.train(parts)
  assert (again.ending, again.step, again.trained) == (endings.FINISHED, 8, False)
  assert (again.checkpoint, again.best) == (resumed.checkpoint, resumed.best)
  assert pathlib.Path(f"{again.checkpoint}.index").stat().st_mtime_ns == written


@pytest.mark.parametrize(
  "jit_compile", ["false", pytest.param("true", marks=pytest.mark.slow, id="XLA")]
)
def test_a_kill_changes_no_bit_of_weights_averages_and_scale(
  tiny, small_run, tmp_path, monkeypatch, jit_compile
):
  settings = {**EVERYTHING, "model": tiny, "jit_compile": jit_compile}
  opened = []
  training_dataset = dataset.training_dataset

  def spied(config, *arguments, **options):
    opened.append((config.crop_size, options["first_batch"]))
    return training_dataset(config, *arguments, **options)

  monkeypatch.setattr(dataset, "training_dataset", spied)
  whole = loop.train(small_run(logdir=str(tmp_path / "whole"), **settings))
  assert opened == [(24, 0), (32, 4)]
  parts = small_run(logdir=str(tmp_path / "parts"), **settings)
  with pytest.raises(_KilledError):
    loop.train(parts, _killed_at_reading(6))
  opened.clear()
  resumed = loop.train(parts)
  assert resumed.trained and opened == [(32, 4)]
  one = _state(whole.checkpoint)
  _assert_same_bits(one, _state(resumed.checkpoint))
  kinds = {"weights", "averages", "loss_scale", "optimizer", "step"}
  assert {name.split("/")[0] for name in one} == kinds
  assert any((one[name] != one[name.replace("averages", "weights")]).any() for name in one)


@pytest.mark.slow
def test_a_conditioned_network_trains_is_evaluated_and_resumes_without_changing_a_bit(
  small_run, capfd
):
  run = small_run(
    model="deblocknet",
    width=4,
    crop_size=32,
    schedule="constant",
    evaluate_every_steps=2,
    checkpoint_every_steps=2,
  )
  whole = _state(loop.train(run).checkpoint)
  weights = {name for name in whole if name.split("/")[0] == "weights"}
  folder = pathlib.Path(run.train.logdir) / checkpoints.FOLDER
  half_way = _state(str(folder / "ckpt-2"))
  # The head, which starts at zero, has let the gradient through to the tables' embedding.
  assert all((whole[name] != half_way[name]).any() for name in weights)
  # Back to what the folder was when half of the steps were taken.
  tf.compat.v1.train.update_checkpoint_state(str(folder), str(folder / "ckpt-2"))
  resumed = loop.train(run)
  assert (resumed.step, resumed.trained) == (4, True)
  _assert_same_bits(_state(resumed.checkpoint), whole)
  said = "".join(capfd.readouterr())
  assert re.search(r"step 4: held-out gain .*dB at quality 10, .*dB at quality 20", said)


def test_the_seed_decides_the_first_weights(tiny, small_run):
  strategy, entry = strategy_lib.create("cpu"), registry.get(tiny)

  def first(seed):
    network = loop._network(small_run(model=tiny, seed=seed), strategy, entry)
    return network.weights[0].numpy()

  np.testing.assert_array_equal(first(0), first(0))
  assert (first(0) != first(1)).any()


def test_a_run_starts_from_another_ones_weights_and_continues_without_it(tiny, small_run, tmp_path):
  network = registry.get(tiny).build(2, True)
  optimizer = keras.optimizers.SGD()
  optimizer.build(network.trainable_variables)
  checkpoints.Checkpoints(str(tmp_path / "first"), network, optimizer).save()
  settings = {
    "model": tiny,
    "learning_rate": 1e-30,
    "init_from": str(tmp_path / "first"),
    "evaluate_every_steps": 0,
  }
  with pytest.raises(ValueError, match=r"init_from .* does not fit .*/kernel, the first"):
    loop.train(small_run(logdir=str(tmp_path / "wider"), width=3, **settings))
  assert not (tmp_path / "wider").exists()

  def second(max_steps):
    return small_run(logdir=str(tmp_path / "second"), seed=1, max_steps=max_steps, **settings)

  made = _state(loop.train(second(2)).checkpoint)
  for index, weight in enumerate(network.weights):
    stored = made[f"weights/{index}/.ATTRIBUTES/VARIABLE_VALUE"]
    # Two steps at that learning rate move a weight by no more.
    np.testing.assert_allclose(stored, weight.numpy(), rtol=0, atol=1e-29)
  shutil.rmtree(tmp_path / "first")
  assert loop.train(second(4)).step == 4


def test_a_network_is_trained_with_its_own_loss_until_max_epochs(
  tiny, small_run, records, monkeypatch
):
  asked = []
  get = losses.get
  monkeypatch.setattr(losses, "get", lambda name: asked.append(name) or get(name))
  tiles = manifest.load(records).count("train")
  # Four crops of each tile, in batches of four.
  run = small_run(model=tiny, max_epochs=0.3, max_steps=100, evaluate_every_steps=0)
  expected = math.ceil(0.3 * tiles)
  assert 1 < expected < 100 and loop.train(run).step == expected
  assert asked == [registry.get(tiny).loss]
  assert run_file.load(run.train.logdir).optimization.loss == registry.get(tiny).loss
  assert not loop.train(run).trained
  named = loop._with_loss(small_run(loss="charbonnier"), registry.get(tiny))
  assert named.optimization.loss == "charbonnier"


def test_a_learning_rate_that_ruins_the_network_is_named_with_the_records(tiny, small_run):
  key = r"\d\.png/\d+/\d+"
  message = (
    rf"the (loss|gradient's norm) is (nan|inf) at step 2, at learning rate 1e\+30\. Its batch was "
    rf"cut from {key}(, {key})*\. Nothing was saved since step 0: look"
  )
  run = small_run(model=tiny, learning_rate=1e30, warmup_steps=0, schedule="constant")
  with pytest.raises(FloatingPointError, match=message):
    loop.train(run)
  assert not _checkpoints(run)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (
      {"model": "blockcnn", "crop_size": 16},
      "crop_size must be more than 16 for blockcnn, .* 8 pixels on each side, got 16",
    ),
    ({"early_crop_sizes": "16@0.5"}, r"crop_size must be more than 16 for tiny, .*, got 16"),
    (
      {"accumulate_steps": 3},
      "batch_size must be a multiple of accumulate_steps, 3, on each of the 1 .*, got 4",
    ),
  ],
)
def test_mistakes_are_named_and_leave_no_run_behind(tiny, small_run, tmp_path, change, message):
  with pytest.raises(ValueError, match=message):
    loop.train(small_run(**{"model": tiny, **change}))
  assert not (tmp_path / "run").exists()


def test_a_batch_that_the_replicas_cannot_share_is_refused(tiny, small_run, monkeypatch):
  three = types.SimpleNamespace(num_replicas_in_sync=3)
  monkeypatch.setattr(strategy_lib, "create", lambda name: three)
  with pytest.raises(ValueError, match="batch_size must be a multiple of the 3 replicas, got 4"):
    loop.train(small_run(model=tiny))


def test_records_that_are_not_there_are_named(tiny, small_run, tmp_path):
  missing = str(tmp_path / "nowhere")
  with pytest.raises(FileNotFoundError, match=f"{missing} has no manifest.json"):
    loop.train(small_run(model=tiny, records=missing))


@pytest.mark.parametrize("below", ["", "run"])
def test_a_folder_that_cannot_be_written_is_named(tiny, small_run, tmp_path, below):
  taken = tmp_path / "taken"
  taken.write_text("a file")
  logdir = str(taken / below)
  with pytest.raises(OSError, match=f"logdir {logdir} cannot be written: .*another --logdir"):
    loop.train(small_run(model=tiny, logdir=logdir))


def test_a_run_of_other_settings_is_not_continued(tiny, small_run):
  run = small_run(model=tiny, max_steps=2)
  pathlib.Path(run.train.logdir).mkdir()
  run_file.save(loop._with_loss(run, registry.get(tiny)))
  with pytest.raises(ValueError, match="width was 2, now 3"):
    loop.train(small_run(model=tiny, max_steps=4, width=3))

import itertools
import pathlib
import re
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.machines import strategy as strategy_lib
from deblock.launch.run_folder import checkpoints, history, saved_weights
from deblock.launch.training import loop, session, watch
from deblock.model import losses


class _KilledError(Exception):
  """Stands for whatever ends a process between two steps."""


def _endless(restored, clean, tables):
  """A loss that is infinite wherever it is not nought."""
  del tables
  return losses.l1(restored, clean) / 0.0


def _ticking(seconds):
  """Returns a clock that moves on by so many seconds each time it is read."""
  return map(float, itertools.count(0, seconds)).__next__


def _killed_at_reading(number):
  """Returns a clock that can be read so many times."""
  readings = iter(range(number))

  def clock():
    try:
      return float(next(readings))
    except StopIteration:
      raise _KilledError from None

  return clock


def _state(path):
  """Returns weights, their statistics, the optimiser's state and the step of a checkpoint."""
  reader = tf.train.load_checkpoint(path)
  state = {
    name: reader.get_tensor(name)
    for name in reader.get_variable_to_shape_map()
    if name.split("/")[0] not in ("seconds", "notes", "_CHECKPOINTABLE_OBJECT_GRAPH")
  }
  assert {"step", "optimizer"} <= {name.split("/")[0] for name in state}
  return state


def _assert_same_bits(one, other):
  assert one.keys() == other.keys()
  for name, value in one.items():
    np.testing.assert_array_equal(value, other[name], err_msg=name)


def _checkpoints(run):
  folder = pathlib.Path(run.train.logdir) / checkpoints.FOLDER
  return sorted(path.stem for path in folder.glob("*.index"))


def test_stopping_half_way_and_resuming_changes_no_bit_of_weights_and_statistics(
  tiny_normalised, small_run, tmp_path
):
  def run(name):
    return small_run(
      logdir=str(tmp_path / name), model=tiny_normalised, max_steps=8, evaluate_every_steps=8
    )

  whole = loop.train(run("whole"))
  # What the folder was when half of the steps were taken.
  shutil.copytree(tmp_path / "whole", tmp_path / "parts")
  folder = tmp_path / "parts" / checkpoints.FOLDER
  for path in folder.glob("ckpt-8.*"):
    path.unlink()
  tf.compat.v1.train.update_checkpoint_state(str(folder), str(folder / "ckpt-4"))
  resumed = loop.train(run("parts"))
  assert resumed.trained and whole.step == resumed.step == 8
  state = _state(whole.checkpoint)
  # Two of each convolution, four of the normalisation, two of which are its statistics.
  assert len([name for name in state if name.split("/")[0] == "weights"]) == 8
  _assert_same_bits(state, _state(resumed.checkpoint))


def test_a_run_that_is_made_longer_ends_as_one_that_was_long_from_the_start(
  tiny, small_run, tmp_path
):
  def run(name, max_steps):
    return small_run(
      logdir=str(tmp_path / name), model=tiny, schedule="constant", max_steps=max_steps
    )

  whole = loop.train(run("whole", 8))
  assert loop.train(run("parts", 4)).step == 4
  resumed = loop.train(run("parts", 8))
  _assert_same_bits(_state(whole.checkpoint), _state(resumed.checkpoint))


def test_a_run_killed_between_checkpoints_ends_with_the_same_bits(tiny, small_run, tmp_path):
  whole = loop.train(small_run(model=tiny, logdir=str(tmp_path / "whole"), max_steps=8))
  parts = small_run(model=tiny, logdir=str(tmp_path / "parts"), max_steps=8)
  # Two readings a call of two steps: this ends it at step 6, two after its checkpoint.
  with pytest.raises(_KilledError):
    loop.train(parts, _killed_at_reading(6))
  assert _checkpoints(parts) == ["ckpt-4"]
  resumed = loop.train(parts)
  assert resumed.trained
  _assert_same_bits(_state(whole.checkpoint), _state(resumed.checkpoint))


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
  # The head, which starts at nought, has let the gradient through to the tables' embedding.
  assert all((whole[name] != half_way[name]).any() for name in weights)
  # Back to what the folder was when half of the steps were taken.
  tf.compat.v1.train.update_checkpoint_state(str(folder), str(folder / "ckpt-2"))
  resumed = loop.train(run)
  assert (resumed.step, resumed.trained) == (4, True)
  _assert_same_bits(_state(resumed.checkpoint), whole)
  said = "".join(capfd.readouterr())
  assert re.search(r"step 4: gain over JPEG .*dB at quality 10, .*dB at quality 20", said)


def test_another_seed_gives_other_weights(tiny, small_run, tmp_path):
  states = [
    _state(
      loop.train(small_run(model=tiny, logdir=str(tmp_path / str(seed)), seed=seed)).checkpoint
    )
    for seed in (0, 1)
  ]
  assert any((states[0][name] != states[1][name]).any() for name in states[0])


def test_a_finished_run_takes_no_step(tiny, small_run):
  run = small_run(model=tiny)
  first = loop.train(run)
  before = pathlib.Path(f"{first.checkpoint}.index").stat().st_mtime_ns
  again = loop.train(run)
  assert first.trained and not again.trained
  assert (again.checkpoint, again.step, again.seconds) == (
    first.checkpoint,
    first.step,
    pytest.approx(first.seconds),
  )
  assert pathlib.Path(f"{again.checkpoint}.index").stat().st_mtime_ns == before


def test_a_number_of_steps_that_calls_do_not_divide_is_reached_exactly(tiny, small_run):
  result = loop.train(small_run(model=tiny, max_steps=5))
  assert result.step == 5
  assert result.checkpoint.endswith("ckpt-5")


def test_time_ends_a_run_too(tiny, small_run):
  run = small_run(model=tiny, max_steps=100, max_minutes=1.0)
  # Each call of two steps takes 30 seconds by this clock.
  result = loop.train(run, _ticking(30))
  assert (result.step, result.seconds, result.trained) == (4, 60.0, True)
  assert not loop.train(run, _ticking(30)).trained


def test_a_run_that_is_asked_to_stop_saves_and_goes_on_as_if_nothing_had_been(
  tiny, small_run, tmp_path
):
  def run(name):
    return small_run(
      model=tiny,
      logdir=str(tmp_path / name),
      max_steps=12,
      log_every_steps=6,
      evaluate_every_steps=8,
      checkpoint_every_steps=10,
    )

  whole = loop.train(run("whole"))
  asked = iter([False, False, True])
  stopped = loop.train(run("parts"), stop=lambda: next(asked))
  assert (stopped.ending, stopped.step, stopped.trained) == (session.STOPPED, 4, True)
  assert _checkpoints(run("parts")) == ["ckpt-4"]
  # What is logged at step 6 sums up steps from before and after.
  at_once = loop.train(run("parts"), stop=lambda: True)
  assert (at_once.ending, at_once.step) == (session.STOPPED, 4)
  with pytest.raises(_KilledError):
    loop.train(run("parts"), _killed_at_reading(7))
  resumed = loop.train(run("parts"))
  assert resumed.ending == whole.ending == session.FINISHED
  assert resumed.best == whole.best
  _assert_same_bits(_state(whole.checkpoint), _state(resumed.checkpoint))
  curves = [history.curves(history.read(str(tmp_path / name))) for name in ("whole", "parts")]
  for curve in curves:
    for name in history.CLOCKED:
      assert [step for step, _ in curve.pop(name)] == [6, 12]
  assert curves[0] == curves[1]
  assert [step for step, _ in curves[0]["train/loss"]] == [6, 12]
  assert [step for step, _ in curves[0]["eval/psnr_db/q10"]] == [8, 12]


def test_a_run_killed_in_its_last_evaluation_comes_to_it_again(tiny, small_run, monkeypatch):
  run = small_run(model=tiny, evaluate_every_steps=6, checkpoint_every_steps=2)

  def kill(self):
    raise _KilledError

  with monkeypatch.context() as patch:
    patch.setattr(watch.Watch, "__call__", kill)
    with pytest.raises(_KilledError):
      loop.train(run)
  assert _checkpoints(run) == ["ckpt-2"]
  assert loop.train(run).best.step == 4
  curve = history.curves(history.read(run.train.logdir))
  assert [step for step, _ in curve["eval/gain_db/q10"]] == [4]


def test_a_run_that_gets_no_better_ends_with_its_best_checkpoint(tiny, small_run, monkeypatch):
  gains = iter([0.1, 0.4, 0.3, 0.4, 0.5])
  monkeypatch.setattr(
    watch.Watch,
    "__call__",
    lambda self: watch.Seen({history.MAIN: {"eval/gain_db/q10": next(gains)}}, {}),
  )

  def run(patience):
    return small_run(
      model=tiny, max_steps=100, evaluate_every_steps=2, stop_after_evaluations=patience
    )

  result = loop.train(run(2))
  assert (result.ending, result.step, result.trained) == (session.STALLED, 8, True)
  assert (result.best.value, result.best.step) == (0.4, 4)
  folder = pathlib.Path(run(2).train.logdir) / checkpoints.FOLDER
  assert [path.name for path in (folder / checkpoints.BEST).glob("*.index")] == ["ckpt-4.index"]
  again = loop.train(run(2))
  assert (again.ending, again.step, again.trained) == (session.STALLED, 8, False)
  # With more patience it goes on from where it was, and asking comes before being out of it.
  more = loop.train(run(3), stop=iter([False, True]).__next__)
  assert (more.ending, more.step, more.best.step) == (session.STOPPED, 10, 10)


def test_evaluation_that_is_switched_off_never_happens(tiny, small_run, monkeypatch):
  def refuse(self):
    raise AssertionError("evaluated")

  monkeypatch.setattr(watch.Watch, "__call__", refuse)
  assert loop.train(small_run(model=tiny, max_steps=2, evaluate_every_steps=0)).step == 2


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_the_older_checkpoint(
  tiny, small_run, monkeypatch
):
  good = loop.train(small_run(model=tiny, max_steps=4))
  before = _state(good.checkpoint)
  monkeypatch.setattr(losses, "get", lambda name: _endless)
  run = small_run(model=tiny, max_steps=8)
  key = r"\d\.png/\d+/\d+"
  message = rf"the loss is (nan|inf) at step 5, .* cut from {key}(, {key})*\. .*since step 4: look"
  with pytest.raises(FloatingPointError, match=message):
    loop.train(run)
  assert saved_weights.latest(run.train.logdir) == good.checkpoint
  _assert_same_bits(_state(good.checkpoint), before)
  assert all(np.isfinite(value).all() for value in before.values())


def test_a_learning_rate_that_ruins_the_network_is_named(tiny, small_run):
  with pytest.raises(FloatingPointError, match=r"at step 2, at learning rate 1e\+30"):
    loop.train(small_run(model=tiny, learning_rate=1e30, warmup_steps=0, schedule="constant"))


def test_a_crop_without_a_pixel_to_predict_is_refused(small_run):
  message = "crop_size must be more than 16 for blockcnn, .* 8 pixels on each side, got 16"
  with pytest.raises(ValueError, match=message):
    loop.train(small_run(model="blockcnn", crop_size=16))


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
  loop.train(small_run(model=tiny, max_steps=2))
  with pytest.raises(ValueError, match="width was 2, now 3"):
    loop.train(small_run(model=tiny, max_steps=4, width=3))


def test_mistakes_leave_no_run_behind(tiny, small_run, tmp_path):
  with pytest.raises(ValueError, match="crop_size"):
    loop.train(small_run(model=tiny, crop_size=16))
  assert not (tmp_path / "run").exists()

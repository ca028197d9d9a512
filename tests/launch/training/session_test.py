"""When a run takes steps, logs, evaluates, saves and ends; nothing is trained here."""

import contextlib
import itertools
import json
import math
import types

import numpy as np
import pytest

from deblock.launch.run_folder import history
from deblock.launch.training import endings, session, step, watch


class _KilledError(Exception):
  """Stands for the end of the process."""


class _Number:
  """Stands for a tf.Variable."""

  def __init__(self, value):
    self.value = value

  def numpy(self):
    return self.value

  def assign(self, value):
    self.value = value


class _Checkpoints:
  """Holds in memory what a run saves."""

  def __init__(self, loaded=(0, 0.0, "{}")):
    first_step, seconds, notes = loaded
    self.step, self.seconds = _Number(first_step), _Number(seconds)
    self.notes = json.loads(notes)
    self.saved, self.best = [], []

  def _state(self):
    return self.step.numpy(), self.seconds.numpy(), json.dumps(self.notes)

  def save(self):
    self.saved.append(self._state())
    return f"ckpt-{self.step.numpy()}"

  def save_best(self):
    self.best.append(self.step.numpy())


class _Stepper:
  """Notes the calls, whose loss in each step is the step's number."""

  def __init__(self, bad_step=math.inf, killed_at=math.inf):
    self.calls = []
    self._bad_step, self._killed_at = bad_step, killed_at

  def rate(self, taken, done):
    return 0.5 - 0.25 * done

  def take(self, taken, done, count):
    if taken + count > self._killed_at:
      raise _KilledError
    self.calls.append((taken, done, count))
    steps = range(taken + 1, taken + count + 1)
    finite = sum(number < self._bad_step for number in steps)
    loss = float(sum(steps)) if finite == count else math.nan
    return step.Totals(loss, 1.0 * count, 10.0 * count, 3.0 * count, 0.0, float(finite))

  def gauges(self, seconds):
    return {"train/waiting_share": 0.0}

  def origin(self, taken):
    return f"It came after {taken} steps."


class _Reporter:
  """Notes everything that is reported."""

  def __init__(self):
    self.curves, self.notes, self.done, self.drawn = {}, [], [], 0

  def scalars(self, at, values, series=history.MAIN):
    for name, value in values.items():
      self.curves.setdefault((series, name), {})[at] = value

  def progress(self, done, at, max_steps, scalars):
    self.done.append(done)

  def note(self, words):
    self.notes.append(words)

  def image(self, at, name, picture):
    self.curves.setdefault(("", name), {})[at] = picture.shape

  def flush(self):
    pass

  def draw(self):
    self.drawn += 1

  def steps(self, name, series=history.MAIN):
    return list(self.curves.get((series, name), {}))


def _gain(value, series=history.MAIN):
  return watch.Seen({series: {"eval/gain_db/q10": value}}, {})


def _ticking(seconds):
  """Returns a clock that moves on by so many seconds each time it is read."""
  return map(float, itertools.count(0, seconds)).__next__


HOSTS = types.SimpleNamespace(any=bool, chiefs=dict)


def _run(settings, loaded=(0, 0.0, "{}"), stepper=None, seen=None, stop=None, seconds=1):
  """Trains, and returns the result, or None if it was killed, with all parts of the session."""
  parts = types.SimpleNamespace(
    checkpoints=_Checkpoints(loaded),
    stepper=stepper or _Stepper(),
    reporter=_Reporter(),
    result=None,
  )
  made = session.Session(
    settings,
    HOSTS,
    parts.checkpoints,
    parts.reporter,
    parts.stepper,
    seen or (lambda: _gain(0.0)),
    stop or (lambda: False),
    _ticking(seconds),
  )
  with contextlib.suppress(_KilledError):
    parts.result = made.train()
  return parts


def test_steps_are_taken_logged_evaluated_and_saved_at_their_intervals(small_settings):
  run = small_settings(
    max_steps=8, log_every_steps=2, evaluate_every_steps=4, checkpoint_every_steps=6
  )
  parts = _run(run)
  assert parts.stepper.calls == [(0, 0.0, 2), (2, 0.25, 2), (4, 0.5, 2), (6, 0.75, 2)]
  assert parts.reporter.curves["", "train/loss"] == {2: 1.5, 4: 3.5, 6: 5.5, 8: 7.5}
  assert parts.reporter.steps("eval/gain_db/q10") == [4, 8] and parts.reporter.drawn == 2
  assert [saved[0] for saved in parts.checkpoints.saved] == [6, 8]
  assert parts.result == endings.Result(
    "ckpt-8", 8, 4.0, True, endings.FINISHED, watch.BestSoFar("eval/gain_db", 0.0, 4, since=1)
  )


def test_the_log_has_means_of_its_interval(small_settings):
  run = small_settings(max_steps=4, log_every_steps=4, batch_size=4)
  curves = _run(run, seconds=2).reporter.curves
  found = {name: values[4] for (series, name), values in curves.items() if 4 in values}
  assert found["train/loss"] == 2.5 and found["train/gradient_norm"] == 3.0
  assert found["train/gain_db"] == pytest.approx(10.0)
  # Two calls of two steps each, with two seconds between two readings of the clock.
  assert found["train/crops_per_second"] == 4 * 4 / 4.0
  assert found["train/minutes"] == 4.0 / 60.0
  # That of the last call.
  assert found["train/learning_rate"] == 0.5 - 0.25 * 0.5


def test_a_number_of_steps_that_calls_do_not_divide_is_reached_exactly(small_settings):
  parts = _run(small_settings(max_steps=5))
  assert [count for _, _, count in parts.stepper.calls] == [2, 2, 1]
  assert (parts.result.step, parts.result.checkpoint) == (5, "ckpt-5")
  assert parts.reporter.curves["", "train/loss"][5] == 5.0
  assert parts.reporter.steps("eval/gain_db/q10") == [4, 5]


def test_time_ends_a_run_too(small_settings):
  # Each call of two steps takes 30 seconds by this clock.
  parts = _run(small_settings(max_steps=100, max_minutes=1.0), seconds=30)
  assert (parts.result.step, parts.result.seconds) == (4, 60.0)
  assert parts.result.ending == endings.FINISHED
  assert [done for _, done, _ in parts.stepper.calls] == [0.0, 0.5]


def test_the_chiefs_clock_decides_on_all_workers(small_settings, monkeypatch):
  monkeypatch.setattr(HOSTS, "chiefs", lambda values: dict.fromkeys(values, 30.0))
  parts = _run(small_settings(max_steps=100, max_minutes=1.0), seconds=1)
  assert (parts.result.step, parts.result.seconds) == (4, 60.0)


def _continued(whole, parts, *more):
  """Asserts that several parts of a run took its steps, and logged and evaluated as it did."""
  last = more[-1] if more else parts
  assert last.result == whole.result
  curves = {}
  for part in (parts, *more):
    for name, values in part.reporter.curves.items():
      # A reporter removes what will be logged again.
      first = part.stepper.calls[0][0] if part.stepper.calls else 0
      kept = {at: value for at, value in curves.get(name, {}).items() if at <= first}
      curves[name] = {**kept, **values}
  assert curves == whole.reporter.curves


RHYTHM = {
  "max_steps": 12,
  "log_every_steps": 6,
  "evaluate_every_steps": 8,
  "checkpoint_every_steps": 10,
}


def test_a_run_that_is_asked_to_stop_saves_and_resumes_as_if_it_had_not_stopped(small_settings):
  run = small_settings(**RHYTHM)
  whole = _run(run)
  stopped = _run(run, stop=iter([False, False, True]).__next__)
  result = stopped.result
  assert (result.ending, result.step, result.trained) == (endings.STOPPED, 4, True)
  (saved,) = stopped.checkpoints.saved
  assert saved[0] == 4 and not stopped.reporter.curves
  at_once = _run(run, saved, stop=lambda: True)
  assert (at_once.result.ending, at_once.result.step) == (endings.STOPPED, 4)
  assert not at_once.stepper.calls
  # The mean that is logged at step 6 is of steps from before and after.
  _continued(whole, stopped, _run(run, at_once.checkpoints.saved[-1]))


@pytest.mark.parametrize("killed_at", range(0, 12, 2))
def test_a_run_that_is_killed_resumes_from_its_last_checkpoint(small_settings, killed_at):
  run = small_settings(**{**RHYTHM, "checkpoint_every_steps": 4})
  whole = _run(run)
  killed = _run(run, stepper=_Stepper(killed_at=killed_at))
  assert killed.result is None
  saved = killed.checkpoints.saved
  assert [found[0] for found in saved] == list(range(4, killed_at + 1, 4))
  resumed = _run(run, saved[-1] if saved else (0, 0.0, "{}"))
  assert (
    resumed.stepper.calls
    == whole.stepper.calls[len(whole.stepper.calls) - len(resumed.stepper.calls) :]
  )
  _continued(whole, killed, resumed)


def test_a_run_that_is_made_longer_ends_as_one_that_was_long_from_the_start(small_settings):
  shorter = _run(small_settings(**{**RHYTHM, "max_steps": 5}))
  longer = _run(small_settings(**RHYTHM), shorter.checkpoints.saved[-1])
  # From the odd end back to where intervals end.
  assert [(taken, count) for taken, _, count in longer.stepper.calls] == [
    (5, 1),
    (6, 2),
    (8, 2),
    (10, 2),
  ]
  whole = _run(small_settings(**RHYTHM))
  for at in (6, 12):
    assert (
      longer.reporter.curves["", "train/loss"][at] == (whole.reporter.curves["", "train/loss"][at])
    )


def test_a_run_killed_in_its_last_evaluation_comes_to_it_again(small_settings):
  run = small_settings(evaluate_every_steps=6, checkpoint_every_steps=2)

  def kill():
    raise _KilledError

  killed = _run(run, seen=kill)
  assert [saved[0] for saved in killed.checkpoints.saved] == [2]
  resumed = _run(run, killed.checkpoints.saved[-1])
  assert resumed.reporter.steps("eval/gain_db/q10") == [4] and resumed.result.best.step == 4


def test_a_run_that_gets_no_better_ends_and_its_best_checkpoint_was_saved(small_settings):
  gains = iter([0.1, 0.4, 0.3, 0.4, 0.5])

  def run(patience, **parts):
    settings = small_settings(
      max_steps=100, evaluate_every_steps=2, stop_after_evaluations=patience
    )
    return _run(settings, seen=lambda: _gain(next(gains)), **parts)

  parts = run(2)
  result = parts.result
  assert (result.ending, result.step, result.trained) == (endings.STALLED, 8, True)
  assert (result.best.value, result.best.step) == (0.4, 4)
  assert parts.checkpoints.best == [2, 4]
  # With more patience it continues. A request to stop comes before the end of the patience.
  more = run(3, loaded=parts.checkpoints.saved[-1], stop=iter([False, True]).__next__).result
  assert (more.ending, more.step, more.best.step) == (endings.STOPPED, 10, 10)


def test_averaged_weights_decide_where_there_are_any(small_settings):
  def seen():
    found = _gain(0.1).scalars | _gain(0.2, history.AVERAGED).scalars
    return watch.Seen(found, {"tile": np.zeros((2, 3, 3), np.uint8)})

  parts = _run(small_settings(), seen=seen)
  assert parts.result.best.value == 0.2
  assert parts.reporter.curves["", "eval/gain_db/q10"] == {4: 0.1}
  assert parts.reporter.curves[history.AVERAGED, "eval/gain_db/q10"] == {4: 0.2}
  assert parts.reporter.curves["", "tile"] == {4: (2, 3, 3)}
  assert parts.reporter.notes[0].startswith("step 4: held-out gain")


def test_evaluation_that_is_switched_off_never_happens(small_settings):
  parts = _run(small_settings(max_steps=2, evaluate_every_steps=0), seen=pytest.fail)
  assert parts.result.step == 2 and parts.result.best.value is None


@pytest.mark.parametrize("bad_step", [5, 6])
def test_a_loss_that_is_not_finite_ends_the_run_without_saving(small_settings, bad_step):
  stepper = _Stepper(bad_step)
  checkpoints = _Checkpoints()
  run = small_settings(max_steps=8)
  made = session.Session(
    run,
    HOSTS,
    checkpoints,
    _Reporter(),
    stepper,
    lambda: _gain(0.0),
    lambda: False,
    _ticking(1),
  )
  message = (
    rf"the loss is nan at step {bad_step}, at learning rate 0\.375\. It came after {bad_step - 1} "
    "steps. Nothing was saved since step 4: look at these records, .*another --logdir"
  )
  with pytest.raises(FloatingPointError, match=message):
    made.train()
  assert [saved[0] for saved in checkpoints.saved] == [4]


def test_a_checkpoint_is_not_saved_twice(small_settings):
  run = small_settings(max_steps=8, checkpoint_every_steps=4)
  stopped = _run(run, stop=iter([False, False, True]).__next__)
  assert [saved[0] for saved in stopped.checkpoints.saved] == [4]

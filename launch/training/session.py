"""A run from its first step to its last: steps, log, evaluate, save, until it is over."""

from collections.abc import Callable
import dataclasses
import math
from typing import Any

from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.reporting import reporter as reporter_lib
from deblock.launch.run_folder import checkpoints as checkpoints_lib
from deblock.launch.run_folder import history
from deblock.launch.settings import train as train_settings
from deblock.launch.training import endings, meters
from deblock.launch.training import stepper as stepper_lib
from deblock.launch.training import watch as watch_lib
from deblock.records import typed_values


class Session:
  """One run while it is trained; holds the state that its intervals share.

  Args:
    run: all settings.
    hosts: the machines.
    checkpoints: loaded.
    reporter: a `reporter.Reporter`, or a stand-in.
    stepper: takes the steps.
    watch: evaluates.
    stop: returns whether the run is asked to stop.
    clock: seconds, rising.
  """

  def __init__(
    self,
    run: train_settings.RunConfig,
    hosts: hosts_lib.Hosts,
    checkpoints: checkpoints_lib.Checkpoints,
    reporter: Any,
    stepper: stepper_lib.Stepper,
    watch: Callable[[], watch_lib.Seen],
    stop: Callable[[], bool],
    clock: Callable[[], float],
  ):
    self._run = run
    self._hosts = hosts
    self._checkpoints = checkpoints
    self._reporter = reporter
    self._stepper = stepper
    self._watch = watch
    self._stop = stop
    self._clock = clock
    self._step = int(checkpoints.step.numpy())
    self._seconds = float(checkpoints.seconds.numpy())
    notes = checkpoints.notes
    self._best = watch_lib.loaded_best(run.stopping.best_metric, notes.get("best"))
    sums = notes.get("interval", {})
    self._sums = typed_values.build(meters.IntervalSums, sums, "the checkpoint's interval")
    self._saved: tuple[int, str] | None = None

  def train(self) -> endings.Result:
    """Trains to the end.

    Raises:
      FloatingPointError: if a loss, or a weight that is to be saved, is not finite.
    """
    while not (ending := self._ending() or self._asked_to_stop()):
      rate = self._rate()
      self._take_steps(rate)
      if self._due(self._run.watching.log_every_steps):
        self._log(rate)
        self._sums = meters.IntervalSums()
      if self._due(self._run.watching.evaluate_every_steps):
        self._evaluate()
      # The last checkpoint is saved below, after the last log and evaluation.
      if self._due(self._run.train.checkpoint_every_steps) and not self._ending():
        self._save()
    if ending != endings.STOPPED:
      # The sums stay, for the curve of a run that is made longer.
      if self._sums.steps:
        self._log(self._rate())
      every = self._run.watching.evaluate_every_steps
      if every and not self._due(every):
        self._evaluate()
    return endings.Result(self._save(), self._step, self._seconds, True, ending, self._best)

  def _take_steps(self, rate):
    settings = self._run.train
    # A run that resumes from the odd end of a shorter one returns to where intervals end.
    count = settings.steps_per_call - self._step % settings.steps_per_call
    count = min(count, settings.max_steps - self._step)
    began = self._clock()
    totals = self._stepper.take(self._step, self._done(), count)
    seconds = self._clock() - began
    if settings.max_minutes:
      # The end, and the learning rate until then, must be the same on all workers.
      seconds = self._hosts.chiefs({"seconds": seconds})["seconds"]
    if not math.isfinite(totals.loss + totals.gradient_norm):
      bad_step = self._step + int(totals.finite)
      what = f"loss is {totals.loss}"
      if math.isfinite(totals.loss):
        what = f"gradient's norm is {totals.gradient_norm}"
      raise FloatingPointError(
        f"the {what} at step {bad_step + 1}, at learning rate {rate:g}. "
        f"{self._stepper.origin(bad_step)} Nothing was saved since step "
        f"{int(self._checkpoints.step.numpy())}: look at these records, or train with a lower "
        "--learning_rate in another --logdir."
      )
    self._step += count
    self._seconds += seconds
    self._sums.add(count, seconds, totals)

  def _ending(self):
    return endings.ending_at(self._run, self._step, self._seconds, self._best)

  def _asked_to_stop(self):
    return endings.STOPPED if self._hosts.any(self._stop()) else ""

  def _done(self):
    return endings.share_done(self._run.train, self._step, self._seconds)

  def _rate(self):
    return self._stepper.rate(self._step, self._done())

  def _due(self, every_steps):
    return every_steps > 0 and self._step % every_steps == 0

  def _log(self, rate):
    sums = self._sums
    scalars = {
      "train/loss": sums.loss / sums.steps,
      "train/gain_db": reporter_lib.decibels(sums.error, sums.error_jpeg),
      "train/learning_rate": rate,
      "train/gradient_norm": sums.gradient_norm / sums.steps,
      "train/crops_per_second": sums.steps * self._run.input.batch_size / max(sums.seconds, 1e-9),
      "train/minutes": self._seconds / 60.0,
      **self._stepper.gauges(sums.seconds),
    }
    self._reporter.scalars(self._step, scalars)
    self._reporter.progress(self._done(), self._step, self._run.train.max_steps, scalars)

  def _evaluate(self):
    seen = self._watch()
    for series, scalars in seen.scalars.items():
      self._reporter.scalars(self._step, scalars, series)
    for name, sheet in seen.sheets.items():
      self._reporter.image(self._step, name, sheet)
    self._reporter.flush()
    self._reporter.draw()
    for line in watch_lib.lines(seen):
      self._reporter.note(f"step {self._step}: {line}")
    # The run is used with its averaged weights, where there are any.
    judged = seen.scalars.get(history.AVERAGED, seen.scalars.get(history.MAIN, {}))
    self._best = self._best.after(self._step, self._hosts.chiefs(judged))
    if self._best.value is not None and self._best.step == self._step:
      self._update_state()
      self._checkpoints.save_best()

  def _update_state(self):
    """Updates the state that is saved beside the weights."""
    self._checkpoints.step.assign(self._step)
    self._checkpoints.seconds.assign(self._seconds)
    self._checkpoints.notes = {
      "interval": dataclasses.asdict(self._sums),
      "best": dataclasses.asdict(self._best),
    }

  def _save(self):
    """Saves the run, unless this step is saved already, and returns the checkpoint's path."""
    if self._saved is None or self._saved[0] != self._step:
      self._update_state()
      # The log first: a run that resumes from the checkpoint does not log again what was before it.
      self._reporter.flush()
      self._saved = (self._step, self._checkpoints.save())
    return self._saved[1]

"""A run from its first step to its last: steps, log, evaluate, save, until it is over."""

from collections.abc import Callable
import dataclasses
import math
from typing import Any, NamedTuple

from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.reporting import progress_line
from deblock.launch.reporting import reporter as reporter_lib
from deblock.launch.run_folder import checkpoints as checkpoints_lib
from deblock.launch.run_folder import history
from deblock.launch.settings import schedule
from deblock.launch.settings import train as train_settings
from deblock.launch.training import best as best_lib
from deblock.launch.training import gauges, interval
from deblock.launch.training import watch as watch_lib

# How a run may end: its steps or minutes are over; it was asked to stop; no evaluation was the best
# for too long.
FINISHED, STOPPED, STALLED = "finished", "stopped", "stalled"


@dataclasses.dataclass(frozen=True)
class Result:
  """How a run ended.

  Attributes:
    checkpoint: path of its last checkpoint.
    step: steps taken in all.
    seconds: time trained in all.
    trained: whether this call took any step.
    ending: FINISHED, STOPPED or STALLED.
    best: its best evaluation.
  """

  checkpoint: str
  step: int
  seconds: float
  trained: bool
  ending: str
  best: best_lib.Best


class Parts(NamedTuple):
  """What a session works with.

  Attributes:
    call: (step, done, count, rate) to `step.Totals` of floats: takes `count` steps after `step`, at
      that share of the run and that learning rate.
    watch: evaluates.
    gauges: reads what is logged beside the totals.
    stop: whether the run is asked to stop.
    origin: step to a sentence on what its batch was made of, for a loss that is not finite.
    clock: seconds, rising.
  """

  call: Callable
  watch: Callable[[], watch_lib.Seen]
  gauges: gauges.Gauges
  stop: Callable[[], bool]
  origin: Callable[[int], str]
  clock: Callable[[], float]


def share_done(settings: train_settings.TrainConfig, step: int, seconds: float) -> float:
  """Returns the share of a run that is over, by steps or by time, whichever is more."""
  done = step / settings.max_steps
  if settings.max_minutes > 0:
    done = max(done, seconds / (60.0 * settings.max_minutes))
  return done


def ended(
  settings: train_settings.TrainConfig,
  path: str,
  checkpoints: checkpoints_lib.Checkpoints,
  best: best_lib.Best,
) -> Result | None:
  """Returns the end of a run that had come to it before; None if there is more to do."""
  step, seconds = int(checkpoints.step.numpy()), float(checkpoints.seconds.numpy())
  ending = _ending(settings, step, seconds, best)
  return Result(path, step, seconds, False, ending, best) if ending else None


def _ending(settings, step, seconds, best):
  """Returns how a run ends if that is now, else an empty string."""
  if share_done(settings, step, seconds) >= 1.0:
    return FINISHED
  return STALLED if best.is_over(settings.stop_after_evaluations) else ""


class Session:
  """One run while it is trained; exists to keep what the intervals share.

  Args:
    run: all settings.
    hosts: the machines.
    checkpoints: restored.
    best: the best evaluation so far.
    reporter: a `reporting.Reporter`, or what stands for one.
    parts: what to work with.
  """

  def __init__(
    self,
    run: train_settings.RunConfig,
    hosts: hosts_lib.Hosts,
    checkpoints: checkpoints_lib.Checkpoints,
    best: best_lib.Best,
    reporter: Any,
    parts: Parts,
  ):
    self._settings = run.train
    self._batch_size = run.input.batch_size
    self._hosts = hosts
    self._checkpoints = checkpoints
    self._best = best
    self._reporter = reporter
    self._parts = parts
    self._step = int(checkpoints.step.numpy())
    self._seconds = float(checkpoints.seconds.numpy())
    self._interval = interval.Interval(**checkpoints.notes.get("interval", {}))
    self._saved: tuple[int, str] | None = None

  def run(self) -> Result:
    """Trains to the end.

    Raises:
      FloatingPointError: if a loss, or a weight that is to be saved, is not finite.
    """
    while not (ending := self._ending() or self._asked_to_stop()):
      rate = self._rate()
      self._take_steps(rate)
      if self._due("log_every_steps"):
        self._log(rate)
        self._interval = interval.Interval()
      if self._due("evaluate_every_steps"):
        self._evaluate()
      # What ends here is saved below, once it is logged and evaluated to its end.
      if self._due("checkpoint_every_steps") and not self._ending():
        self._save()
    if ending != STOPPED:
      # The sums stay, for the curve of a run that is made longer.
      if self._interval.steps:
        self._log(self._rate())
      if self._settings.evaluate_every_steps and not self._due("evaluate_every_steps"):
        self._evaluate()
    return Result(self._save(), self._step, self._seconds, True, ending, self._best)

  def _take_steps(self, rate):
    settings = self._settings
    # A run that goes on from the odd end of a shorter one comes back to where intervals end.
    count = settings.steps_per_call - self._step % settings.steps_per_call
    count = min(count, settings.max_steps - self._step)
    began = self._parts.clock()
    totals = self._parts.call(self._step, self._done(), count, rate)
    seconds = self._parts.clock() - began
    if settings.max_minutes:
      # When to stop, and the learning rate until then, are the same for all.
      seconds = self._hosts.chiefs({"seconds": seconds})["seconds"]
    if not math.isfinite(totals.loss + totals.gradient_norm):
      bad_step = self._step + int(totals.finite)
      what = f"loss is {totals.loss}"
      if math.isfinite(totals.loss):
        what = f"gradient's norm is {totals.gradient_norm}"
      raise FloatingPointError(
        f"the {what} at step {bad_step + 1}, at learning rate {rate:g}. "
        f"{self._parts.origin(bad_step)} Nothing was saved since step "
        f"{int(self._checkpoints.step.numpy())}: look at these records, or train with a lower "
        "--learning_rate in another --logdir."
      )
    self._step += count
    self._seconds += seconds
    self._interval.add(count, seconds, totals)

  def _ending(self):
    return _ending(self._settings, self._step, self._seconds, self._best)

  def _asked_to_stop(self):
    return STOPPED if self._hosts.any(self._parts.stop()) else ""

  def _done(self):
    return share_done(self._settings, self._step, self._seconds)

  def _rate(self):
    settings = self._settings
    return schedule.learning_rate(
      settings.learning_rate,
      settings.schedule,
      self._step,
      settings.warmup_steps,
      self._done(),
      schedule.parse_milestones(settings.milestones),
      settings.milestone_factor,
    )

  def _due(self, name):
    steps = getattr(self._settings, name)
    return steps > 0 and self._step % steps == 0

  def _log(self, rate):
    sums = self._interval
    scalars = {
      "train/loss": sums.loss / sums.steps,
      "train/gain_db": reporter_lib.decibels(sums.error, sums.error_jpeg),
      "train/learning_rate": rate,
      "train/gradient_norm": sums.gradient_norm / sums.steps,
      "train/images_per_second": sums.steps * self._batch_size / max(sums.seconds, 1e-9),
      "train/minutes": self._seconds / 60.0,
      **self._parts.gauges.read(sums.seconds),
    }
    self._reporter.scalars(self._step, scalars)
    self._reporter.progress(
      progress_line.Progress(
        done=self._done(),
        step=self._step,
        max_steps=self._settings.max_steps,
        loss=scalars["train/loss"],
        gain_db=scalars["train/gain_db"],
        images_per_second=scalars["train/images_per_second"],
        waiting=scalars["train/waiting_share"],
      )
    )

  def _evaluate(self):
    seen = self._parts.watch()
    for series, scalars in seen.scalars.items():
      self._reporter.scalars(self._step, scalars, series)
    for name, sheet in seen.sheets.items():
      self._reporter.image(self._step, name, sheet)
    self._reporter.flush()
    self._reporter.draw()
    for line in watch_lib.lines(seen):
      self._reporter.note(f"step {self._step}: {line}")
    # Averaged weights are what the run is used with, where there are any.
    judged = seen.scalars.get(history.AVERAGED, seen.scalars.get(history.MAIN, {}))
    self._best = self._best.after(self._step, self._hosts.chiefs(judged))
    if self._best.value is not None and self._best.step == self._step:
      self._update_state()
      self._checkpoints.save_best()

  def _update_state(self):
    """Brings what is saved beside the weights up to date."""
    self._checkpoints.step.assign(self._step)
    self._checkpoints.seconds.assign(self._seconds)
    self._checkpoints.notes = {
      "interval": dataclasses.asdict(self._interval),
      "best": dataclasses.asdict(self._best),
    }

  def _save(self):
    """Saves the run, if it is not saved as of this step, and returns the checkpoint's path."""
    if self._saved is None or self._saved[0] != self._step:
      self._update_state()
      # The log first: what a checkpoint follows upon is not logged again.
      self._reporter.flush()
      self._saved = (self._step, self._checkpoints.save())
    return self._saved[1]

"""What a run reports while it trains: TensorBoard's log, its own file of figures, and a bar."""

from collections.abc import Mapping
import contextlib
import math
import pathlib

import tensorflow as tf
import tqdm

from deblock.launch.pictures import curves
from deblock.launch.reporting import event_log, run_text
from deblock.launch.run_folder import history
from deblock.launch.settings import train as train_settings
from deblock.records import progress_bar
from deblock.records.layout import own_files

CURVES_FILE = "curves.png"
_BAR = "{desc}{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"


class Reporter:
  """Writes the log of a run into its folder, and its progress to standard error.

  A context; its end writes to the log how the run ended.

  Args:
    logdir: folder of the run.
    done: share of the run that is over already, 0 to 1.
    first_step: from which it starts or resumes. Later entries of a killed process are removed.
  Raises:
    FileExistsError: if curves are there that no program of deblock drew.
  """

  def __init__(self, logdir: str, done: float, first_step: int = 0):
    self._logdir = pathlib.Path(logdir)
    self._first_step = first_step
    self._latest = first_step
    self._done = done
    own_files.check(self._logdir / CURVES_FILE)
    self._history = history.History(logdir, first_step)
    self._events = event_log.EventLog(logdir, first_step)
    self._bar: tqdm.tqdm | None = None

  def __enter__(self) -> "Reporter":
    """Returns itself."""
    return self

  def __exit__(self, kind, error, trace) -> None:
    """Logs how the run ended, and closes."""
    if error is None:
      self._end(history.FINISHED if self._done >= 1.0 else history.STOPPED, "")
    else:
      # An error of a full disk, which is raised already, must not be replaced by its own effect.
      with contextlib.suppress(OSError):
        self._end(history.STOPPED, str(error) or kind.__name__)
    self.close()

  def describe(self, run: train_settings.RunConfig, strategy: tf.distribute.Strategy) -> None:
    """Logs settings, environment and hyperparameters."""
    step = self._first_step
    self._events.text(step, "run/settings", run_text.settings(run))
    self._events.text(step, "run/environment", run_text.environment(strategy))
    self._events.raw(step, run_text.session_start(run))

  def progress(self, done: float, step: int, max_steps: int, scalars: Mapping[str, float]) -> None:
    """Shows how far the run is.

    Args:
      done: share of the run that is over, by its steps or by its minutes.
      step: steps taken in all.
      max_steps: steps of the whole run.
      scalars: the latest loss, gain, speed and share of waiting, as they are logged.
    """
    self._done = done
    figures = _figures(step, max_steps, scalars)
    if self._bar is None:
      # Made after the first interval, which holds the compilation and so predicts no speed. Without
      # smoothing, the time that remains follows from all intervals since.
      self._bar = progress_bar.bar(
        "training",
        "run",
        total=1.0,
        initial=min(done, 1.0),
        postfix=figures,
        bar_format=_BAR,
        smoothing=0,
      )
      return
    self._bar.set_postfix_str(figures, refresh=False)
    self._bar.update(min(done, 1.0) - self._bar.n)

  def note(self, words: str) -> None:
    """Writes a line of its own."""
    progress_bar.note(words)

  def scalars(self, step: int, values: Mapping[str, float], series: str = history.MAIN) -> None:
    """Logs numbers at a step, under names such as "train/loss" or "eval/psnr_db/q10".

    Args:
      step: of the run.
      values: by name.
      series: of the numbers; TensorBoard draws all series into the same charts.
    """
    self._latest = max(self._latest, step)
    self._history.append(history.Entry(step, series, dict(values)))
    self._events.scalars(step, values, series)

  def image(self, step: int, name: str, picture) -> None:
    """Logs a picture, uint8 [H, W, 3], at a step."""
    self._events.image(step, name, picture)

  def flush(self) -> None:
    """Makes the log visible to TensorBoard."""
    self._events.flush()

  def draw(self) -> None:
    """Draws the run's curves; that takes a second, so after evaluations and at the end."""
    if self._history.entries:
      title = f"{self._logdir.name}, {self._latest:,} steps"
      curves.save(self._history.entries, title, self._logdir / CURVES_FILE)

  def close(self) -> None:
    """Ends the log and the bar."""
    self._events.close()
    self._history.close()
    if self._bar is not None:
      self._bar.close()

  def _end(self, state, reason):
    self._events.raw(self._latest, run_text.session_end(state == history.FINISHED))
    reason = reason.strip().split("\n")[0]
    self._history.append(history.Entry(self._latest, history.MAIN, {}, state, reason))
    self.flush()
    self.draw()


def decibels(error: float, error_jpeg: float) -> float:
  """Returns the gain over the JPEG, in decibels; 0 if an error is 0.

      10 log10(error_jpeg / error)

  Args:
    error: mean squared error of the restored images.
    error_jpeg: that of the JPEGs.
  """
  if error <= 0.0 or error_jpeg <= 0.0:
    return 0.0
  return 10.0 * math.log10(error_jpeg / error)


def _figures(step, max_steps, scalars):
  return (
    f"step {step:,} of {max_steps:,}, loss {scalars['train/loss']:.4g}, "
    f"train gain {scalars['train/gain_db']:+.3f} dB, "
    f"{scalars['train/crops_per_second']:,.0f} crops/s, "
    f"{scalars['train/waiting_share']:.0%} waiting for data"
  )

"""What a run tells while it trains: TensorBoard's log, its own file of figures, and a line."""

from collections.abc import Mapping
import contextlib
import math
import os
import pathlib
import time

import tensorflow as tf

from deblock.launch.pictures import curves
from deblock.launch.reporting import hyperparameters, progress_line, run_text
from deblock.launch.run_folder import history
from deblock.launch.settings import train as train_settings

CURVES_FILE = "curves.png"


class Reporter:
  """Writes what is seen of a run into its folder, and its progress to standard error.

  A context, whose end says in the log how the run ended.

  Args:
    logdir: folder of the run.
    done: share of the run that is over already, 0 to 1.
    first_step: that it goes on from. What an earlier process logged beyond it, before it was
      killed, is struck out.
  """

  def __init__(self, logdir: str, done: float, first_step: int = 0):
    self._logdir = pathlib.Path(logdir)
    self._first_step = first_step
    self._latest = first_step
    self._done = done
    self._history = history.History(logdir, first_step)
    self._writers: dict[str, tf.summary.SummaryWriter] = {}
    self._line = progress_line.ProgressLine()

  def __enter__(self) -> "Reporter":
    """Returns itself."""
    return self

  def __exit__(self, kind, error, trace) -> None:
    """Logs how the run ended, and closes."""
    if error is None:
      self._end(history.FINISHED if self._done >= 1.0 else history.STOPPED, "")
    else:
      # A full disk, of which the error tells already, must not take its place.
      with contextlib.suppress(OSError):
        self._end(history.STOPPED, str(error) or kind.__name__)
    self.close()

  def describe(self, run: train_settings.RunConfig, strategy: tf.distribute.Strategy) -> None:
    """Logs settings, environment and hyperparameters."""
    self.text(self._first_step, "run/settings", run_text.settings(run))
    self.text(self._first_step, "run/environment", run_text.environment(strategy))
    self._raw(hyperparameters.start(run))

  def progress(self, progress: progress_line.Progress) -> None:
    """Shows how far the run is."""
    self._done = progress.done
    self._line.show(progress)

  def note(self, words: str) -> None:
    """Writes a line of its own."""
    self._line.note(words)

  def scalars(self, step: int, values: Mapping[str, float], series: str = history.MAIN) -> None:
    """Logs numbers at a step, under names such as "train/loss" or "eval/psnr_db/q10".

    Args:
      step: of the run.
      values: by name.
      series: whose numbers they are; TensorBoard draws each series' line in the same charts.
    """
    self._latest = max(self._latest, step)
    self._history.append(history.Entry(step, series, dict(values)))
    with self._writer(series).as_default(step):
      for name, value in values.items():
        tf.summary.scalar(name, value)

  def image(self, step: int, name: str, picture) -> None:
    """Logs a picture, uint8 [H, W, 3], at a step."""
    with self._writer(history.MAIN).as_default(step):
      tf.summary.image(name, picture[None])

  def text(self, step: int, name: str, words: str) -> None:
    """Logs Markdown at a step."""
    with self._writer(history.MAIN).as_default(step):
      tf.summary.text(name, words)

  def flush(self) -> None:
    """Makes what was logged visible to TensorBoard."""
    for writer in self._writers.values():
      writer.flush()

  def draw(self) -> None:
    """Draws the run's curves; that takes a second, so after evaluations and at the end."""
    if self._history.entries:
      title = f"{self._logdir.name}, {self._latest:,} steps"
      curves.save(self._history.entries, title, self._logdir / CURVES_FILE)

  def close(self) -> None:
    """Ends the log and the line."""
    for writer in self._writers.values():
      writer.close()
    self._history.close()
    self._line.close()

  def _end(self, state, reason):
    self._raw(hyperparameters.end(state == history.FINISHED))
    reason = reason.strip().split("\n")[0]
    self._history.append(history.Entry(self._latest, history.MAIN, {}, state, reason))
    self.flush()
    self.draw()

  def _raw(self, summary):
    with self._writer(history.MAIN).as_default(self._latest):
      tf.summary.experimental.write_raw_pb(summary)

  def _writer(self, series):
    """Returns the writer of a series, whose log lies in a folder of that name."""
    if series not in self._writers:
      folder = str(self._logdir / series)
      _strike_out(folder, self._first_step)
      self._writers[series] = tf.summary.create_file_writer(folder)
    return self._writers[series]


def decibels(error: float, error_jpeg: float) -> float:
  """Returns the gain over the JPEG that two mean squared errors stand for, in decibels."""
  if error <= 0.0 or error_jpeg <= 0.0:
    return 0.0
  return 10.0 * math.log10(error_jpeg / error)


def _strike_out(folder, first_step):
  """Tells TensorBoard to forget what was logged after a step: it will be logged again."""
  seconds = int(time.time())
  # TensorBoard reads files in the order of their names, and this must come before those of the
  # writer: the hyphen stands before whatever a host's name begins with.
  path = pathlib.Path(folder) / f"events.out.tfevents.{seconds:010d}.-start.{os.getpid()}"
  path.parent.mkdir(parents=True, exist_ok=True)
  start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
  with tf.io.TFRecordWriter(str(path)) as log:
    for event in (
      {"file_version": "brain.Event:2"},
      {"step": first_step + 1, "session_log": start},
    ):
      log.write(tf.compat.v1.Event(wall_time=seconds, **event).SerializeToString())

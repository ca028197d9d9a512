"""TensorBoard's log of a run: a folder of event files for each series."""

from collections.abc import Mapping
import os
import pathlib
import time

import tensorflow as tf

from deblock.launch.run_folder import history
from deblock.records.layout import files


class EventLog:
  """Writes scalars, pictures and text for TensorBoard.

  Args:
    logdir: folder of the run.
    first_step: from which it starts or resumes. TensorBoard drops all points after it that an
      earlier process logged before it was killed.
  """

  def __init__(self, logdir: str, first_step: int = 0):
    self._logdir = pathlib.Path(logdir)
    self._first_step = first_step
    self._writers: dict[str, tf.summary.SummaryWriter] = {}

  def scalars(self, step: int, values: Mapping[str, float], series: str = history.MAIN) -> None:
    """Logs numbers by name, such as "train/loss" or "eval/psnr_db/q10", at a step."""
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

  def raw(self, step: int, summary: bytes) -> None:
    """Logs a serialised summary of a TensorBoard plugin at a step."""
    with self._writer(history.MAIN).as_default(step):
      tf.summary.experimental.write_raw_pb(summary)

  def flush(self) -> None:
    """Makes the log visible to TensorBoard."""
    for writer in self._writers.values():
      writer.flush()

  def close(self) -> None:
    """Ends the log."""
    for writer in self._writers.values():
      writer.close()

  def _writer(self, series):
    """Returns the writer of a series, whose log lies in a folder of that name."""
    if series not in self._writers:
      folder = str(self._logdir / series)
      _drop_later_points(folder, self._first_step)
      self._writers[series] = tf.summary.create_file_writer(folder)
    return self._writers[series]


def _drop_later_points(folder, first_step):
  """Makes TensorBoard drop all points after a step: they will be logged again."""
  seconds = int(time.time())
  # TensorBoard reads files in the order of their names, and this one must come before those of the
  # writer: a hyphen sorts before the first letter of any host's name.
  path = pathlib.Path(folder) / f"events.out.tfevents.{seconds:010d}.-start.{os.getpid()}"
  path.parent.mkdir(parents=True, exist_ok=True)
  start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
  with files.replacing(path) as temporary, tf.io.TFRecordWriter(temporary) as log:
    for event in (
      {"file_version": "brain.Event:2"},
      {"step": first_step + 1, "session_log": start},
    ):
      log.write(tf.compat.v1.Event(wall_time=seconds, **event).SerializeToString())

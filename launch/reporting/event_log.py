"""TensorBoard's log of a run: a folder of event files for each series."""

from collections.abc import Mapping
import os
import pathlib
import time

import tensorflow as tf

from deblock.launch.run_folder import history
from deblock.records.layout import files

# What a reader wants to see first stands in the first group of TensorBoard, which sorts by name.
_OVERVIEW = {
  "eval/gain_db/mean": "held_out_gain_db",
  "train/gain_db": "train_gain_db",
  "train/loss": "train_loss",
  "train/crops_per_second": "speed_crops_per_second",
}
_WORDS = {
  "held_out_gain_db": "PSNR above the JPEG's on held-out tiles, mean over qualities: it decides.",
  "train_gain_db": "PSNR above the JPEG's on the crops that were trained on since the last point.",
  "train_loss": "The loss that is minimised, mean since the last point.",
  "speed_crops_per_second": "Training crops a second, without evaluations and checkpoints.",
  "gain_db": "PSNR above the JPEG's on held-out tiles at this quality.",
  "psnr_db": "PSNR of held-out tiles at this quality; the series jpeg is the JPEG itself.",
  "psnr_b_db": "PSNR-B of held-out tiles: PSNR less a penalty for block edges.",
  "ssim": "SSIM of held-out tiles at this quality.",
  "learning_rate": "Of the optimiser.",
  "gradient_norm": "Of all gradients together before clipping, mean since the last point.",
  "weight_norm": "Of all trained weights together.",
  "waiting_share": "Share of the time in which a step waited for its batch.",
  "minutes": "Trained in all.",
}
_OF_SHEETS = (
  "A held-out tile: clean, JPEG, restored; below, the detail whose error fell most, and the errors "
  "times 8."
)


def tag_of(name: str) -> str:
  """Returns the name in TensorBoard of a figure such as "train/loss" or "eval/psnr_db/q10"."""
  if name in _OVERVIEW:
    return f"1_overview/{_OVERVIEW[name]}"
  part, _, rest = name.partition("/")
  return f"{'2_held_out' if part == 'eval' else '3_training'}/{rest}"


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
        tag = tag_of(name)
        tf.summary.scalar(tag, value, description=_WORDS.get(tag.split("/")[1]))

  def image(self, step: int, name: str, picture) -> None:
    """Logs a picture, uint8 [H, W, 3], at a step."""
    with self._writer(history.MAIN).as_default(step):
      tf.summary.image(name, picture[None], description=_OF_SHEETS)

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

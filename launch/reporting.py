"""What a run tells while it trains: TensorBoard scalars and pictures, and a line of progress."""

import math
import sys

import tensorflow as tf

from deblock.launch import program


class Reporter:
  """Writes to a run's TensorBoard log, and shows progress on standard error.

  Args:
    logdir: folder of the run.
    done: share of the run that is over already, 0 to 1.
  """

  def __init__(self, logdir: str, done: float):
    self._writer = tf.summary.create_file_writer(logdir)
    self._bar = program.progress_bar(
      "training",
      "run",
      1.0,
      initial=done,
      # A share, since a run may end by its steps or by its minutes.
      bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed} to go {remaining}{postfix}",
    )

  def progress(self, done: float, **figures: float) -> None:
    """Moves the bar to a share of the run, with figures beside it."""
    self._bar.set_postfix({name: f"{value:.4g}" for name, value in figures.items()}, refresh=False)
    self._bar.update(min(done, 1.0) - self._bar.n)

  def note(self, words: str) -> None:
    """Prints a line above the bar."""
    self._bar.write(words, file=sys.stderr)

  def scalars(self, step: int, values: dict[str, float]) -> None:
    """Logs numbers at a step, under names such as "train/loss" or "eval/psnr_db/q10"."""
    with self._writer.as_default(step):
      for name, value in values.items():
        tf.summary.scalar(name, value)

  def image(self, step: int, name: str, picture) -> None:
    """Logs a picture, uint8 [H, W, 3], at a step."""
    with self._writer.as_default(step):
      tf.summary.image(name, picture[None])

  def text(self, step: int, name: str, words: str) -> None:
    """Logs Markdown at a step."""
    with self._writer.as_default(step):
      tf.summary.text(name, words)

  def flush(self) -> None:
    """Makes what was logged visible to TensorBoard."""
    self._writer.flush()

  def close(self) -> None:
    """Ends the log and the bar."""
    self._writer.close()
    self._bar.close()


def decibels(error: float, error_jpeg: float) -> float:
  """Returns the gain over the JPEG that two mean squared errors stand for, in decibels."""
  if error <= 0.0 or error_jpeg <= 0.0:
    return 0.0
  return 10.0 * math.log10(error_jpeg / error)

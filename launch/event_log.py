"""TensorBoard's event files as the one curve of a run that was interrupted.

A run that goes on from a checkpoint repeats the steps after it. What was logged of them is cut off
the files before that, so that every reader, TensorBoard too, sees each step once.
"""

from collections.abc import Iterator
import pathlib

import tensorflow as tf

_PATTERN = "events.out.tfevents.*"
# TensorBoard would read it if it had the letters of its own files in its name.
_TEMPORARY = "events.cut.tmp"


def curve(logdir: str) -> dict[str, dict[int, float]]:
  """Returns {tag: {step: value}} of the scalars in a run's event files, not those in folders below.

  Where a step was logged twice, the file that was begun later wins. An event that was not written
  to its end ends its file.
  """
  found: dict[str, dict[int, float]] = {}
  for _, path in sorted((_begun(path), path) for path in pathlib.Path(logdir).glob(_PATTERN)):
    for _, event in _events(path):
      for value in event.summary.value:
        if value.metadata.plugin_data.plugin_name == "scalars":
          # Only the first event of a tag has metadata.
          found.setdefault(value.tag, {})
        if value.tag in found:
          found[value.tag][event.step] = float(tf.make_ndarray(value.tensor))
  return {tag: dict(sorted(points.items())) for tag, points in found.items()}


def cut(logdir: str, step: int) -> int:
  """Cuts off all that was logged after a step, and what was not written to its end.

  Each file is replaced by a whole one, so that a process may be killed meanwhile.

  Returns:
    The number of events that were cut off.
  Raises:
    OSError: if a file cannot be written.
  """
  folder = pathlib.Path(logdir)
  temporary = folder / _TEMPORARY
  total = 0
  for path in sorted(folder.glob(_PATTERN)):
    length, events, kept = 0, 0, []
    for data, event in _events(path):
      # Eight bytes of length before an event's own, and two checksums of four.
      length += len(data) + 16
      events += 1
      if event.step <= step:
        kept.append(data)
    if len(kept) == events and length == path.stat().st_size:
      continue
    total += events - len(kept)
    try:
      with tf.io.TFRecordWriter(str(temporary)) as writer:
        for data in kept:
          writer.write(data)
    except tf.errors.OpError as error:
      temporary.unlink(missing_ok=True)
      raise OSError(f"the log in {logdir} cannot be written: {error.message}.") from error
    temporary.replace(path)
  temporary.unlink(missing_ok=True)
  return total


def _begun(path):
  """Returns when the first value of a file was logged; its name and version have whole seconds."""
  return next((event.wall_time for _, event in _events(path) if not event.file_version), 0.0)


def _events(path) -> Iterator[tuple[bytes, tf.compat.v1.Event]]:
  """Yields the events of a file as bytes and parsed, up to one that is damaged."""
  records = iter(tf.data.TFRecordDataset(str(path)))
  while True:
    try:
      data = next(records).numpy()
    except (StopIteration, tf.errors.DataLossError):
      return
    yield data, tf.compat.v1.Event.FromString(data)

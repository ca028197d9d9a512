import pathlib

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch import event_log


def _log(folder, values):
  """Writes a file of events, {step: value} of one tag, a picture at each, and a text."""
  writer = tf.summary.create_file_writer(str(folder))
  with writer.as_default():
    tf.summary.text("run", "words", min(values))
    for step, value in values.items():
      tf.summary.scalar("train/loss", value, step)
      tf.summary.image("sheet", np.zeros((1, 2, 2, 3), np.uint8), step)
  writer.close()
  return max(pathlib.Path(folder).glob("events.*"), key=lambda path: path.stat().st_mtime_ns)


def _steps(path):
  events = [tf.compat.v1.Event.FromString(data.numpy()) for data in tf.data.TFRecordDataset(path)]
  return [event.step for event in events]


def test_a_curve_is_made_of_scalars_alone(tmp_path):
  _log(tmp_path, {2: 0.5, 4: 0.25})
  assert event_log.curve(str(tmp_path)) == {"train/loss": {2: 0.5, 4: 0.25}}


def test_of_two_values_of_a_step_the_later_file_s_counts(tmp_path):
  first = _log(tmp_path, {2: 0.5, 4: 0.25})
  second = _log(tmp_path, {4: 0.125, 6: 0.0625})
  assert first != second
  # Named in the other order, as it may be with files of the same second.
  first.rename(tmp_path / "events.out.tfevents.9")
  second.rename(tmp_path / "events.out.tfevents.1")
  expected = {2: 0.5, 4: 0.125, 6: 0.0625}
  assert event_log.curve(str(tmp_path)) == {"train/loss": expected}


def test_a_log_is_cut_after_a_step_in_every_file(tmp_path):
  _log(tmp_path, {2: 0.5, 4: 0.25})
  _log(tmp_path, {4: 0.25, 6: 0.125, 8: 0.75})
  assert event_log.cut(str(tmp_path), 6) == 2
  assert event_log.curve(str(tmp_path)) == {"train/loss": {2: 0.5, 4: 0.25, 6: 0.125}}
  assert event_log.cut(str(tmp_path), 2) == 7
  assert [step for path in sorted(tmp_path.iterdir()) for step in _steps(path)] == [0, 2, 2, 2, 0]
  # Nothing is left to cut, and nothing is written.
  before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
  assert event_log.cut(str(tmp_path), 2) == 0
  assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("lost", [1, 30])
def test_an_event_that_was_not_written_to_its_end_is_cut_off(tmp_path, lost):
  path = _log(tmp_path, {2: 0.5, 4: 0.25})
  path.write_bytes(path.read_bytes()[:-lost])
  assert event_log.curve(str(tmp_path)) == {"train/loss": {2: 0.5, 4: 0.25}}
  with pytest.raises(tf.errors.DataLossError):
    _steps(path)
  event_log.cut(str(tmp_path), 9)
  assert _steps(path) == [0, 2, 2, 2, 4]
  _log(tmp_path, {6: 0.125})
  assert event_log.curve(str(tmp_path)) == {"train/loss": {2: 0.5, 4: 0.25, 6: 0.125}}


def test_a_log_that_cannot_be_cut_is_named_and_stays(tmp_path, monkeypatch):
  path = _log(tmp_path, {2: 0.5, 4: 0.25})
  before = path.read_bytes()

  def full(*arguments):
    raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

  monkeypatch.setattr(tf.io, "TFRecordWriter", full)
  with pytest.raises(OSError, match=f"the log in {tmp_path} cannot be written: No space left"):
    event_log.cut(str(tmp_path), 2)
  assert path.read_bytes() == before


def test_a_folder_without_a_log_has_an_empty_curve(tmp_path):
  assert event_log.curve(str(tmp_path)) == {}
  assert event_log.cut(str(tmp_path), 0) == 0

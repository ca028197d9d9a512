import math
import types

import numpy as np
from PIL import Image
import pytest
from tensorboard.backend.event_processing import plugin_event_accumulator
import tensorflow as tf

from deblock.launch.reporting import reporter as reporter_lib
from deblock.launch.run_folder import history


def _events(folder):
  """Returns {tag: {step: value}} of all that was logged in a folder, not below it."""
  found = {}
  for path in sorted(folder.glob("events.*")):
    for record in tf.data.TFRecordDataset(str(path)):
      event = tf.compat.v1.Event.FromString(record.numpy())
      for value in event.summary.value:
        found.setdefault(value.tag, {})[event.step] = tf.make_ndarray(value.tensor)
  return found


def _floats(values):
  return {step: float(value) for step, value in values.items()}


def _report(reporter, done, step=10):
  scalars = {
    "train/loss": 0.0123456,
    "train/gain_db": -0.25,
    "train/crops_per_second": 1234.4,
    "train/waiting_share": 0.031,
  }
  reporter.progress(done, step, 2000, scalars)


def _end(folder):
  entry = history.read(str(folder))[-1]
  return entry.state, entry.reason


def test_what_is_logged_can_be_read_back(tmp_path):
  picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
  with reporter_lib.Reporter(str(tmp_path), 0.0) as reporter:
    reporter.scalars(2, {"train/loss": 0.5, "eval/gain_db/q10": -0.25})
    reporter.scalars(4, {"train/loss": 0.125})
    reporter.scalars(4, {"eval/gain_db/q10": 0.75}, "averaged")
    reporter.image(4, "eval/tile_0/q10", picture)
  found = _events(tmp_path)
  assert _floats(found["1_overview/train_loss"]) == {2: 0.5, 4: 0.125}
  assert _floats(found["2_held_out/gain_db/q10"]) == {2: -0.25}
  assert _floats(_events(tmp_path / "averaged")["2_held_out/gain_db/q10"]) == {4: 0.75}
  width, height, encoded = found["eval/tile_0/q10"][4]
  assert (int(width), int(height)) == (7, 5)
  np.testing.assert_array_equal(tf.io.decode_png(encoded, channels=3), picture)
  entries = history.read(str(tmp_path))
  assert history.curves(entries)["train/loss"] == [(2, 0.5), (4, 0.125)]
  assert history.curves(entries, "averaged") == {"eval/gain_db/q10": [(4, 0.75)]}


def test_a_flush_shows_what_was_logged_so_far(tmp_path):
  with reporter_lib.Reporter(str(tmp_path), 0.0) as reporter:
    reporter.scalars(2, {"train/loss": 0.5})
    reporter.flush()
    assert "1_overview/train_loss" in _events(tmp_path)
    assert not (tmp_path / reporter_lib.CURVES_FILE).exists()


def test_curves_are_drawn_when_asked_for_and_at_the_end(tmp_path):
  with reporter_lib.Reporter(str(tmp_path), 0.0) as reporter:
    reporter.scalars(2, {"train/loss": 0.5})
    reporter.draw()
    with Image.open(tmp_path / reporter_lib.CURVES_FILE) as curves:
      curves.verify()
    (tmp_path / reporter_lib.CURVES_FILE).unlink()
  assert (tmp_path / reporter_lib.CURVES_FILE).exists()


@pytest.mark.parametrize(
  ("done", "state"), [(1.0, history.FINISHED), (1.01, history.FINISHED), (0.9, history.STOPPED)]
)
def test_the_log_says_whether_a_run_reached_its_end(tmp_path, done, state):
  with reporter_lib.Reporter(str(tmp_path), 0.6) as reporter:
    _report(reporter, done)
  assert _end(tmp_path) == (state, "")


def test_progress_is_a_plain_line_in_a_log_file(tmp_path, capfd):
  with reporter_lib.Reporter(str(tmp_path), 0.0) as reporter:
    reporter.note("a line of its own")
    for done in (0.25, 0.5, 1.01):
      _report(reporter, done, round(2000 * min(done, 1)))
  shown = capfd.readouterr()
  assert shown.out == "" and "\r" not in shown.err
  note, first, last = shown.err.splitlines()
  assert note == "a line of its own"
  assert first.startswith("training:  25%|") and last.startswith("training: 100%|")
  assert first.endswith(
    "step 500 of 2,000, loss 0.01235, train gain -0.250 dB, 1,234 crops/s, 3% waiting for data"
  )


def test_the_log_is_closed_where_training_fails(tmp_path):
  with (
    pytest.raises(FloatingPointError, match="nan"),
    reporter_lib.Reporter(str(tmp_path), 0.0) as reporter,
  ):
    reporter.scalars(2, {"train/loss": 0.5})
    raise FloatingPointError("the loss is nan\nand so on")
  assert "1_overview/train_loss" in _events(tmp_path)
  assert _end(tmp_path) == (history.STOPPED, "the loss is nan")


def test_an_interrupted_run_says_so(tmp_path):
  with pytest.raises(KeyboardInterrupt), reporter_lib.Reporter(str(tmp_path), 0.0):
    raise KeyboardInterrupt
  assert _end(tmp_path) == (history.STOPPED, "KeyboardInterrupt")


def test_a_full_disk_is_told_as_such_though_the_log_cannot_be_ended(tmp_path, monkeypatch):
  def refuse(self):
    raise OSError("cannot draw")

  monkeypatch.setattr(reporter_lib.Reporter, "flush", refuse)
  with pytest.raises(OSError, match="no space"), reporter_lib.Reporter(str(tmp_path), 0.0):
    raise OSError("no space")


def test_what_a_killed_process_logged_beyond_its_checkpoint_is_seen_once(tmp_path):
  def log(first_step, steps, value):
    reporter = reporter_lib.Reporter(str(tmp_path), 0.0, first_step)
    for series in ("", "averaged"):
      for step in steps:
        reporter.scalars(step, {"train/loss": value}, series)
    reporter.flush()
    return reporter

  killed = log(0, [2, 4, 6, 8], 1.0)
  # TensorBoard goes by the second in the files' names: no process starts again within one.
  for path in tmp_path.rglob("events.*"):
    second = path.name.split(".")[3]
    path.rename(path.with_name(path.name.replace(second, f"{int(second) - 1:010d}")))
  log(4, [6, 8, 10], 0.5).close()
  killed.close()
  expected = [(2, 1.0), (4, 1.0), (6, 0.5), (8, 0.5), (10, 0.5)]
  for series in ("", "averaged"):
    shown = plugin_event_accumulator.EventAccumulator(str(tmp_path / series))
    shown.Reload()
    points = [
      (e.step, tf.make_ndarray(e.tensor_proto).item())
      for e in shown.Tensors("1_overview/train_loss")
    ]
    assert points == expected
    found = history.curves(history.read(str(tmp_path)), series)["train/loss"]
    assert found == expected


def test_settings_environment_and_hyperparameters_are_logged(tmp_path, small_settings):
  strategy = types.SimpleNamespace(num_replicas_in_sync=3)
  with reporter_lib.Reporter(str(tmp_path), 0.0) as reporter:
    reporter.describe(small_settings(), strategy)
  found = _events(tmp_path)
  assert b"--batch_size=4" in found["run/settings"][0].item()
  assert b"SimpleNamespace, 3 replica(s)" in found["run/environment"][0].item()
  assert {"_hparams_/session_start_info", "_hparams_/session_end_info"} <= found.keys()


def test_decibels_are_the_gain_in_psnr():
  def psnr(error):
    return 20 * math.log10(1 / math.sqrt(error))

  assert reporter_lib.decibels(0.002, 0.008) == pytest.approx(psnr(0.002) - psnr(0.008))
  assert reporter_lib.decibels(0.01, 0.001) == pytest.approx(-10.0)
  assert reporter_lib.decibels(0.01, 0.01) == 0.0


def test_an_error_of_nought_has_no_decibels():
  assert reporter_lib.decibels(0.0, 0.1) == reporter_lib.decibels(0.1, 0.0) == 0.0

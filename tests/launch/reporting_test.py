import contextlib
import math

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch import reporting


def _events(folder):
  """Returns {tag: {step: value}} of all that was logged."""
  found = {}
  for path in sorted(folder.glob("events.*")):
    for record in tf.data.TFRecordDataset(str(path)):
      event = tf.compat.v1.Event.FromString(record.numpy())
      for value in event.summary.value:
        found.setdefault(value.tag, {})[event.step] = tf.make_ndarray(value.tensor)
  return found


def test_what_is_logged_can_be_read_back(tmp_path):
  picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
  with contextlib.closing(reporting.Reporter(str(tmp_path), 0.0)) as reporter:
    reporter.scalars(2, {"train/loss": 0.5, "eval/gain_db/q10": -0.25})
    reporter.scalars(4, {"train/loss": 0.125})
    reporter.image(4, "clean | JPEG | restored", picture)
    reporter.text(0, "run", "    --seed=0")
    reporter.progress(0.4, loss=0.125)
  found = _events(tmp_path)
  assert {step: float(value) for step, value in found["train/loss"].items()} == {2: 0.5, 4: 0.125}
  assert {step: float(value) for step, value in found["eval/gain_db/q10"].items()} == {2: -0.25}
  assert found["run"][0].item() == b"    --seed=0"
  width, height, encoded = found["clean | JPEG | restored"][4]
  assert (int(width), int(height)) == (7, 5)
  np.testing.assert_array_equal(tf.io.decode_png(encoded, channels=3), picture)


def test_a_flush_shows_what_was_logged_so_far(tmp_path):
  with contextlib.closing(reporting.Reporter(str(tmp_path), 0.0)) as reporter:
    reporter.scalars(2, {"train/loss": 0.5})
    reporter.flush()
    assert "train/loss" in _events(tmp_path)


def test_the_log_is_closed_where_training_fails(tmp_path):
  with (
    pytest.raises(FloatingPointError, match="nan"),
    contextlib.closing(reporting.Reporter(str(tmp_path), 0.0)) as reporter,
  ):
    reporter.scalars(2, {"train/loss": 0.5})
    raise FloatingPointError("nan")
  assert "train/loss" in _events(tmp_path)


def test_the_bar_starts_where_the_run_goes_on_and_ends_full(tmp_path, capfd):
  with contextlib.closing(reporting.Reporter(str(tmp_path), 0.6)) as reporter:
    reporter.note("a line of its own")
    reporter.progress(1.01, loss=0.5)
  shown = capfd.readouterr()
  assert " 60%" in shown.err and "100%" in shown.err and "loss=0.5" in shown.err
  assert "a line of its own\n" in shown.err
  assert shown.out == ""


def test_decibels_are_the_gain_in_psnr():
  def psnr(error):
    return 20 * math.log10(1 / math.sqrt(error))

  assert reporting.decibels(0.002, 0.008) == pytest.approx(psnr(0.002) - psnr(0.008))
  assert reporting.decibels(0.01, 0.001) == pytest.approx(-10.0)
  assert reporting.decibels(0.01, 0.01) == 0.0


def test_an_error_of_nought_has_no_decibels():
  assert reporting.decibels(0.0, 0.1) == reporting.decibels(0.1, 0.0) == 0.0

import contextlib

import pytest
import tensorflow as tf

from deblock.launch.training import profiling


@pytest.fixture
def profiler(monkeypatch):
  """Notes of what was asked of TensorFlow's profiler, which it is not bothered with."""
  asked = []
  monkeypatch.setattr(tf.profiler.experimental, "start", lambda logdir: asked.append("start"))
  monkeypatch.setattr(tf.profiler.experimental, "stop", lambda: asked.append("stop"))
  return asked


def _calls(profiler, steps, counts, fail_at=None):
  notes = []
  with contextlib.closing(profiling.Profile("folder", steps, notes.append)) as profile:
    for count in counts:
      with profile.call(count):
        profiler.append(count)
        if len(profiler) == fail_at:
          raise FloatingPointError
  return notes


def test_the_calls_after_the_first_are_profiled(profiler):
  notes = _calls(profiler, 20, [10, 10, 10, 10])
  assert profiler == [10, "start", 10, 10, "stop", 10]
  (note,) = notes
  assert "--logdir=folder" in note and "pip install xprof" in note


def test_nothing_is_profiled_unless_it_is_asked_for(profiler):
  assert _calls(profiler, 0, [10, 10, 10]) == []
  assert profiler == [10, 10, 10]


def test_a_run_that_ends_before_keeps_what_there_is(profiler):
  assert len(_calls(profiler, 100, [10, 10, 5])) == 1
  assert profiler == [10, "start", 10, 5, "stop"]
  assert _calls(profiler, 100, [10]) == []


def test_a_profile_ends_where_training_fails(profiler):
  with pytest.raises(FloatingPointError):
    _calls(profiler, 100, [10, 10], fail_at=3)
  assert profiler == [10, "start", 10, "stop"]


def test_the_profile_is_where_tensorboard_looks(tmp_path):
  profile = profiling.Profile(str(tmp_path), 1, print)
  for _ in range(2):
    with profile.call(1):
      tf.reduce_sum(tf.ones((8, 8)))
  (found,) = tmp_path.glob("plugins/profile/*/*.xplane.pb")
  assert found.stat().st_size > 0

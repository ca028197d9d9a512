"""What the loop asks of the pipeline on several hosts, told by `tf.distribute.InputContext`."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.machines import cluster as cluster_lib
from deblock.launch.machines import feeding
from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.training import loop
from deblock.records.layout import manifest as manifest_lib


@pytest.fixture
def manifest(records):
  """Three training shards; that they are one and the same matters here to nobody."""
  made = manifest_lib.load(records)
  train = [shard for shard in made.splits["train"] if shard.count]
  return dataclasses.replace(made, splits={"train": tuple(train[:1] * 3)})


@pytest.mark.parametrize(("count", "replicas"), [(2, 4), (3, 3)])
def test_a_step_takes_the_global_batch_and_a_run_goes_on_where_it_was(
  small_run, manifest, monkeypatch, count, replicas
):
  run = small_run(batch_size=12, crops_per_tile=6)
  each = replicas // count
  monkeypatch.setattr(
    feeding,
    "batches",
    lambda hosts, make: [
      make(tf.distribute.InputContext(count, host, replicas)) for host in range(count)
    ],
  )
  streams = loop._batches(None, run.input, run.train.seed, manifest, 0)
  steps = [list(stream.take(3 * each).as_numpy_iterator()) for stream in streams]
  # Each replica of a host takes one of its batches in a step.
  sizes = [len(made.quality) for stream in steps for made in stream[:each]]
  assert (sum(sizes), len(sizes)) == (12, replicas)
  entered = loop._batches(None, run.input, run.train.seed, manifest, 2)
  for stream, expected in zip(entered, steps, strict=True):
    (first,) = stream.take(1).as_numpy_iterator()
    np.testing.assert_array_equal(first.clean, expected[2 * each].clean)


class _Together(hosts_lib.Hosts):
  """Stands for the first of several workers, all of whose values are known."""

  def __init__(self, addresses, values):
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    super().__init__(strategy, cluster_lib.Cluster(tuple(addresses), 0))
    self._values = values

  def every(self, values):
    return np.stack([np.asarray(values, np.float64), *self._values])


def test_what_workers_do_not_agree_on_is_named_with_the_first_that_differs():
  values = {"batch_size": 16, "seed": 0}
  same = [hosts_lib._digest(value) for value in values.values()]
  other = [same[0], hosts_lib._digest(1)]
  _Together(["a:1", "b:1"], [same]).check_agree(values, "Do.")
  with pytest.raises(
    ValueError,
    match=r"do not agree on seed: worker 2 \(c:1\) has another one than worker 0 \(a:1\); here it "
    r"is 0\. Start anew\.",
  ):
    _Together(["a:1", "b:1", "c:1"], [same, other]).check_agree(values, "Start anew.")


def test_settings_of_one_machine_may_differ_and_no_others(small_run):
  one = small_run(worker_index=0, workers="a:1,b:1", logdir="here", strategy="auto")
  other = small_run(
    worker_index=1, workers="a:1,b:1", logdir="there", strategy="auto", records="elsewhere"
  )
  assert hosts_lib.settings_to_agree_on(one) == hosts_lib.settings_to_agree_on(other)
  changed = hosts_lib.settings_to_agree_on(small_run(max_steps=5))
  assert changed != hosts_lib.settings_to_agree_on(small_run(max_steps=6))


@pytest.mark.parametrize(
  ("words", "lost"),
  [
    ("Error reported from /job:worker/task:2: unhealthy", r"worker 2 \(c:1\)"),
    ("recvmsg from /job:worker/replica:0/task:1", r"worker 1 \(b:1\)"),
    ("recvmsg: connection reset by peer", "another worker"),
  ],
)
def test_a_lost_worker_is_named_with_what_to_do(words, lost):
  together = _Together(["a:1", "b:1", "c:1"], [])
  with (
    pytest.raises(ConnectionError, match=rf"{lost} is gone, and .* Start all 3 again"),
    together.lost_are_named(),
  ):
    raise tf.errors.UnavailableError(None, None, words)
  # An error of one machine is no other's.
  alone = hosts_lib.Hosts(tf.distribute.OneDeviceStrategy("/cpu:0"))
  with pytest.raises(tf.errors.CancelledError), alone.lost_are_named():
    raise tf.errors.CancelledError(None, None, words)


def test_one_machine_has_nobody_to_ask():
  alone = hosts_lib.Hosts(tf.distribute.OneDeviceStrategy("/cpu:0"))
  assert alone.writes
  assert alone.chiefs({"seconds": 1.5}) == {"seconds": 1.5}
  np.testing.assert_array_equal(alone.every([1.0, 2.0]), [[1.0, 2.0]])
  with alone.saving_folder("run") as folder:
    assert folder == "run"


def test_only_the_chief_saves_in_the_run_s_folder(tmp_path):
  other = hosts_lib.Hosts(
    tf.distribute.OneDeviceStrategy("/cpu:0"), cluster_lib.Cluster(("a:1", "b:1"), 1)
  )
  assert not other.writes
  with other.saving_folder(str(tmp_path)) as folder:
    assert pathlib.Path(folder).is_dir() and folder != str(tmp_path)
  assert not pathlib.Path(folder).exists()


def test_workers_are_refused_by_strategies_of_one_machine(small_run):
  settings = small_run(workers="a:1,b:1", worker_index=0).train
  with pytest.raises(ValueError, match=r"workers goes with .*multi_worker or auto, got 'cpu'"):
    hosts_lib.join(settings, "cpu")

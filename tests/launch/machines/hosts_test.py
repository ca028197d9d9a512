import pathlib

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.machines import cluster as cluster_lib
from deblock.launch.machines import hosts as hosts_lib


class _Together(hosts_lib.Hosts):
  """Stands for the first of several workers, all of whose values are known."""

  def __init__(self, addresses, values):
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    super().__init__(strategy, cluster_lib.Cluster(tuple(addresses), 0))
    self._values = values

  def gather(self, values):
    return np.stack([np.asarray(values, np.float64), *self._values])


def test_what_workers_do_not_agree_on_is_named_with_the_first_that_differs():
  values = {"batch_size": 16, "seed": 0}
  same = [hosts_lib._digest(value) for value in values.values()]
  other = [same[0], hosts_lib._digest(1)]
  _Together(["a:1", "b:1"], [same]).check_agree(values, "Do.")
  with pytest.raises(
    ValueError,
    match=r"do not agree on seed: worker 2 \(c:1\) has another value than worker 0 \(a:1\); here "
    r"it is 0\. Start again\.",
  ):
    _Together(["a:1", "b:1", "c:1"], [same, other]).check_agree(values, "Start again.")


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
  np.testing.assert_array_equal(alone.gather([1.0, 2.0]), [[1.0, 2.0]])
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


def test_workers_are_refused_by_strategies_of_one_machine(small_settings):
  settings = small_settings(workers="a:1,b:1", worker_index=0).cluster
  with pytest.raises(ValueError, match=r"workers goes with .*multi_worker or auto, got 'cpu'"):
    hosts_lib.join(settings, "cpu")

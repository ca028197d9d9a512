import numpy as np
import tensorflow as tf

from deblock.launch.machines import cluster, feeding, hosts


def _numbered(context):
  """A dataset that says whose it is: batch, host, hosts and the replicas of all."""
  who = (context.input_pipeline_id, context.num_input_pipelines, context.num_replicas_in_sync)
  return tf.data.Dataset.range(100).map(lambda number: (number, *who))


def test_one_device_takes_one_batch_a_step_from_its_own_host():
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  batches = feeding.batches(hosts.Hosts(strategy), _numbered)
  taken = [[int(value) for value in next(batches)] for _ in range(2)]
  assert taken == [[0, 0, 1, 1], [1, 0, 1, 1]]


class _TwoReplicas:
  """Stands for a strategy of two replicas; one device of a test cannot be two."""

  num_replicas_in_sync = 2

  def experimental_distribute_values_from_function(self, value_of):
    return [value_of(tf.distribute.experimental.ValueContext(replica, 2)) for replica in range(2)]


def test_the_replicas_of_a_host_take_batches_in_turn():
  batches = feeding._InTurn(_TwoReplicas(), iter(tf.data.Dataset.range(6)))
  steps = [[int(value) for value in next(batches)] for _ in range(3)]
  np.testing.assert_array_equal(steps, [[0, 1], [2, 3], [4, 5]])


def test_each_of_two_hosts_with_one_device_reads_its_own_stream(monkeypatch):
  one = tf.distribute.OneDeviceStrategy("/cpu:0")
  worker = hosts.Hosts(one, cluster.Cluster(("a:1", "b:1"), 1))
  monkeypatch.setattr(worker, "strategy", _TwoReplicas())
  assert [int(value) for value in next(feeding.batches(worker, _numbered))] == [0, 1, 2, 2]

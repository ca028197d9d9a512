"""What the loop asks of the pipeline on several hosts, told by `tf.distribute.InputContext`."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch import loop
from deblock.records import manifest as manifest_lib


class _Hosts:
  """Stands for a strategy: hands its function the context of each host in turn."""

  def __init__(self, hosts, replicas):
    self.num_replicas_in_sync = replicas
    self._hosts = hosts

  def distribute_datasets_from_function(self, make):
    return [
      make(tf.distribute.InputContext(self._hosts, host, self.num_replicas_in_sync))
      for host in range(self._hosts)
    ]


@pytest.fixture
def manifest(records):
  """Three training shards; that they are one and the same matters here to nobody."""
  made = manifest_lib.load(records)
  train = [shard for shard in made.splits["train"] if shard.count]
  return dataclasses.replace(made, splits={"train": tuple(train[:1] * 3)})


@pytest.mark.parametrize(("hosts", "replicas"), [(2, 4), (3, 3)])
def test_a_step_takes_the_global_batch_and_a_run_goes_on_where_it_was(
  small_run, manifest, hosts, replicas
):
  run = small_run(batch_size=12, crops_per_tile=6)
  strategy, each = _Hosts(hosts, replicas), replicas // hosts
  streams = loop._distributed(strategy, run, manifest, 0)
  steps = [list(stream.take(3 * each).as_numpy_iterator()) for stream in streams]
  # Each replica of a host takes one of its batches in a step.
  sizes = [len(made.quality) for stream in steps for made in stream[:each]]
  assert (sum(sizes), len(sizes)) == (12, replicas)
  entered = loop._distributed(strategy, run, manifest, 2)
  for stream, expected in zip(entered, steps, strict=True):
    (first,) = stream.take(1).as_numpy_iterator()
    np.testing.assert_array_equal(first.clean, expected[2 * each].clean)

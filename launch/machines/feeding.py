"""How each replica gets its batches."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from deblock.launch.machines import hosts as hosts_lib


def batches(
  hosts: hosts_lib.Hosts, make: Callable[[tf.distribute.InputContext], tf.data.Dataset]
) -> Any:
  """Returns an iterator for the compiled steps; each item is a batch for every replica.

  Only hosts with several GPUs use TensorFlow's distributed iterator. It runs a generator dataset,
  whose kernel sets glibc's trim threshold to 128 KiB: the process then returns each activation to
  the system and fetches it again at every step, which is slow on CPUs (tests/bench/trimming.py).

  Args:
    hosts: the machines, with their strategy.
    make: context of this host to an endless dataset of the batches of one replica.
  """
  strategy = hosts.strategy
  replicas = strategy.num_replicas_in_sync
  if replicas == hosts.count:
    # One replica on this host takes every item.
    return iter(make(tf.distribute.InputContext(hosts.count, hosts.index, replicas)))
  if hosts.count == 1 and not tf.config.list_logical_devices("GPU"):
    return _InTurn(strategy, iter(make(tf.distribute.InputContext(1, 0, replicas))))
  return iter(strategy.distribute_datasets_from_function(make))


class _InTurn:
  """Deals the batches of one iterator to the replicas of this host, one to each."""

  def __init__(self, strategy, iterator):
    self._strategy = strategy
    self._iterator = iterator

  def __next__(self):
    return self._strategy.experimental_distribute_values_from_function(
      lambda context: next(self._iterator)
    )

"""How each replica gets its batches."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from deblock.launch.machines import hosts as hosts_lib


def batches(
  hosts: hosts_lib.Hosts, make: Callable[[tf.distribute.InputContext], tf.data.Dataset]
) -> Any:
  """Returns an iterator for the compiled steps, each next of which is a batch for every replica.

  TensorFlow's distributed iterator is left to those who need it, hosts with several GPUs. It runs a
  generator dataset, whose kernel sets glibc's trim threshold to 128 KiB: each activation is then
  given back to the system and fetched again at every step, which costs half the speed on CPU
  (tests/bench/trimming.py).

  Args:
    hosts: the machines, with their strategy.
    make: context of this host to a dataset of the batches of one replica, endless.
  """
  strategy = hosts.strategy
  replicas = strategy.num_replicas_in_sync
  if replicas == hosts.count:
    # To one replica here, what the iterator gives is its own.
    return iter(make(tf.distribute.InputContext(hosts.count, hosts.index, replicas)))
  if hosts.count == 1 and not tf.config.list_logical_devices("GPU"):
    return _InTurn(strategy, iter(make(tf.distribute.InputContext(1, 0, replicas))))
  return iter(strategy.distribute_datasets_from_function(make))


class _InTurn:
  """Hands the batches of one iterator to the replicas of this host, one to each."""

  def __init__(self, strategy, iterator):
    self._strategy = strategy
    self._iterator = iterator

  def __next__(self):
    return self._strategy.experimental_distribute_values_from_function(
      lambda context: next(self._iterator)
    )

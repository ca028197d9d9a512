"""The machines that share a run: which one writes, whether they agree, and errors of lost ones.

On a single machine every method returns its argument immediately.
"""

from collections.abc import Mapping
import contextlib
import hashlib
import os
import re
import tempfile

import numpy as np
import tensorflow as tf

from deblock.launch.machines import cluster as cluster_lib
from deblock.launch.machines import rendezvous
from deblock.launch.machines import strategy as strategy_lib
from deblock.records import option

# TensorFlow raises these when a worker is lost. Only the worker's number in their text is of use.
_LOST = (
  tf.errors.UnavailableError,
  tf.errors.AbortedError,
  tf.errors.CancelledError,
  tf.errors.DeadlineExceededError,
)


class Hosts:
  """All machines of a run, seen from one of them.

  Args:
    strategy: of the run.
    cluster: the workers; None for one machine.
  """

  def __init__(self, strategy: tf.distribute.Strategy, cluster: cluster_lib.Cluster | None = None):
    self.strategy = strategy
    self._cluster = cluster
    self._summed = _summed_by_worker(strategy, self.count)

  @property
  def index(self) -> int:
    """The index of this worker."""
    return self._cluster.index if self._cluster else 0

  @property
  def count(self) -> int:
    """The number of workers."""
    return len(self._cluster.addresses) if self._cluster else 1

  @property
  def writes(self) -> bool:
    """Whether this worker is the chief, which alone reports and writes into the run's folder."""
    return self.index == 0

  @contextlib.contextmanager
  def saving_folder(self, folder: str):
    """Returns a context with the folder to save checkpoints to, a temporary one for non-chiefs.

    All workers save, though one file is enough: saving sums variables that each replica keeps for
    itself, for which TensorFlow waits for every worker.
    """
    if self.writes:
      yield folder
      return
    with tempfile.TemporaryDirectory(prefix="deblock-worker-") as own:
      yield own

  def gather(self, values) -> np.ndarray:
    """Returns every worker's values. Each worker must call it, at the same point of the run.

    Args:
      values: float64 [N], the same N on all workers.
    Returns:
      float64 [workers, N].
    """
    values = np.asarray(values, np.float64)
    if self.count == 1:
      return values[np.newaxis]
    with self.lost_are_named():
      return self._summed(tf.constant(values)).numpy()

  def chiefs(self, values: Mapping[str, float]) -> dict[str, float]:
    """Returns the chief's values of these names, so that all workers decide by the same ones."""
    if self.count == 1:
      return dict(values)
    return dict(zip(values, self.gather(list(values.values()))[0].tolist(), strict=True))

  def any(self, value: bool) -> bool:
    """Returns whether the value is true on at least one worker."""
    return bool(self.gather([value]).any())

  def check_agree(self, values: Mapping[str, object], advice: str) -> None:
    """Checks that all workers have the same values. The workers wait for each other here.

    Args:
      values: by name, the same names on all workers.
      advice: what to do if they differ, for the message.
    Raises:
      ValueError: on every worker, if a value differs; names it and the first worker that differs.
    """
    if self._cluster is None or self.count == 1:
      return
    found = self.gather([_digest(value) for value in values.values()])
    for name, of_workers in zip(values, found.T, strict=True):
      others = np.flatnonzero(of_workers != of_workers[0])
      if others.size:
        raise ValueError(
          f"the workers do not agree on {name}: {self._cluster.name(int(others[0]))} has another "
          f"value than {self._cluster.name(0)}; here it is {option.text(values[name])}. {advice}"
        )

  @contextlib.contextmanager
  def lost_are_named(self):
    """Returns a context that raises a ConnectionError, naming the worker, when one is lost."""
    if self._cluster is None or self.count == 1:
      yield
      return
    try:
      yield
    except _LOST as error:
      peers = self._cluster.peers
      named = [int(index) for index in re.findall(r"/task:(\d+)", str(error))]
      lost = next((index for index in named if index in peers), peers[0] if len(peers) == 1 else -1)
      who = "another worker" if lost < 0 else self._cluster.name(lost)
      raise ConnectionError(
        f"{who} is gone, and {self._cluster.name(self.index)} cannot continue alone. Start all "
        f"{self.count} again with the same commands: they resume from the last checkpoint."
      ) from error


def join(settings: cluster_lib.ClusterConfig, name: str) -> Hosts:
  """Returns the run's machines, with a strategy over all their devices.

  Args:
    settings: the workers; if they are empty, TF_CONFIG is read.
    name: of the strategy.
  Raises:
    ValueError: as `cluster.from_flags` and `strategy.create`, if workers are named for a strategy
      of one machine, or if they have different numbers of GPUs.
    ConnectionError: if a worker does not answer in time.
  """
  wants_workers = name in ("auto", "multi_worker")
  if settings.workers and not wants_workers:
    raise ValueError(f"workers goes with strategy=multi_worker or auto, got {name!r}.")
  cluster = None
  if wants_workers:
    cluster = cluster_lib.from_flags(settings.workers, settings.worker_index, os.environ)
  if strategy_lib.resolved(name, cluster) != "multi_worker" or cluster is None:
    return Hosts(strategy_lib.create(name))
  if not cluster.peers:
    return Hosts(strategy_lib.create(name, cluster), cluster)
  gpus = len(tf.config.list_physical_devices("GPU"))
  rendezvous.meet(cluster, settings.peers_timeout_seconds, gpus=gpus)
  with rendezvous.ended_after(settings.peers_timeout_seconds):
    return Hosts(strategy_lib.create(name, cluster), cluster)


def _summed_by_worker(strategy, workers):
  """Returns the compiled function of one worker's float64 [N] to all workers' float64 [W, N]."""
  replicas = strategy.num_replicas_in_sync

  def placed(values):
    here = tf.distribute.get_replica_context().replica_id_in_sync_group
    # Not a product with zero, which is NaN for a value that is not finite.
    mine = tf.range(replicas) == here
    return tf.where(mine[:, tf.newaxis], values, tf.zeros((), tf.float64))

  @tf.function(input_signature=[tf.TensorSpec([None], tf.float64)], autograph=False)
  def summed(values):
    each = strategy.reduce("SUM", strategy.run(placed, args=(values,)), axis=None)
    return each[:: replicas // workers]

  return summed


def _digest(value):
  """Returns a number for a value that a float64 holds exactly."""
  return int.from_bytes(hashlib.sha256(repr(value).encode()).digest()[:6], "big")


class Silent:
  """Stands for a reporter on workers that do not report: takes every call and does nothing."""

  def __enter__(self) -> "Silent":
    """Returns itself."""
    return self

  def __exit__(self, kind, error, trace) -> None:
    """Does nothing."""

  def __getattr__(self, name):
    """Returns a function that does nothing."""
    del name
    return lambda *arguments, **named: None

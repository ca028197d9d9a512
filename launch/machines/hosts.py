"""The machines that share a run: who writes, whether they agree, and what happens when one is lost.

With one machine all of this is nothing: its own values come back, and nobody is waited for.
"""

from collections.abc import Mapping
import contextlib
import dataclasses
import hashlib
import os
import re
import tempfile

import numpy as np
import tensorflow as tf

from deblock.launch.machines import cluster as cluster_lib
from deblock.launch.machines import cluster_config, rendezvous
from deblock.launch.machines import strategy as strategy_lib

# What these say in full is of no use to the one who reads it, a worker's number apart.
_LOST = (
  tf.errors.UnavailableError,
  tf.errors.AbortedError,
  tf.errors.CancelledError,
  tf.errors.DeadlineExceededError,
)


class Hosts:
  """One worker's view of all of them.

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
    """Of this worker."""
    return self._cluster.index if self._cluster else 0

  @property
  def count(self) -> int:
    """How many workers there are."""
    return len(self._cluster.addresses) if self._cluster else 1

  @property
  def writes(self) -> bool:
    """Whether this worker is the chief, which alone reports and writes into the run's folder."""
    return self.index == 0

  @contextlib.contextmanager
  def saving_folder(self, folder: str):
    """Returns a context with the folder to save checkpoints to, a temporary one for non-chiefs.

    All workers save, though one file is enough: TensorFlow sums up variables that replicas keep to
    themselves when it saves them, and would wait for a worker that does not.
    """
    if self.writes:
      yield folder
      return
    with tempfile.TemporaryDirectory(prefix="deblock-worker-") as own:
      yield own

  def every(self, values) -> np.ndarray:
    """Returns every worker's values; each worker must call it, at the same point of the run.

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
    """Returns the chief's values of these names, so that all workers decide alike by them."""
    if self.count == 1:
      return dict(values)
    return dict(zip(values, self.every(list(values.values()))[0].tolist(), strict=True))

  def any(self, value: bool) -> bool:
    """Returns whether the value is true on any worker."""
    return bool(self.every([value]).any())

  def check_agree(self, values: Mapping[str, object], advice: str) -> None:
    """Checks that all workers have the same values; they wait for each other here.

    Args:
      values: by name, the same names on all workers.
      advice: what to do if they differ.
    Raises:
      ValueError: on every worker, naming what differs and the first worker with whom.
    """
    if self._cluster is None or self.count == 1:
      return
    found = self.every([_digest(value) for value in values.values()])
    for name, of_workers in zip(values, found.T, strict=True):
      others = np.flatnonzero(of_workers != of_workers[0])
      if others.size:
        raise ValueError(
          f"the workers do not agree on {name}: {self._cluster.name(int(others[0]))} has another "
          f"one than {self._cluster.name(0)}; here it is {values[name]}. {advice}"
        )

  @contextlib.contextmanager
  def lost_are_named(self):
    """Returns a context in which the loss of a worker is a ConnectionError that names it."""
    if self._cluster is None or self.count == 1:
      yield
      return
    try:
      yield
    except _LOST as error:
      peers = self._cluster.peers
      told = [int(index) for index in re.findall(r"/task:(\d+)", str(error))]
      lost = next((index for index in told if index in peers), peers[0] if len(peers) == 1 else -1)
      who = "another worker" if lost < 0 else self._cluster.name(lost)
      raise ConnectionError(
        f"{who} is gone, and {self._cluster.name(self.index)} cannot go on alone. Start all "
        f"{self.count} again with the same commands: they go on from the last checkpoint."
      ) from error


def join(settings: cluster_config.ClusterConfig, name: str) -> Hosts:
  """Returns the run's machines, with a strategy over all their devices.

  Args:
    settings: that may name workers; TF_CONFIG is read otherwise.
    name: of the strategy.
  Raises:
    ValueError: as `cluster.named` and `strategy.create`, or if workers are named for a strategy of
      one machine.
    ConnectionError: if a worker does not answer in time.
  """
  wants_workers = name in ("auto", "multi_worker")
  if settings.workers and not wants_workers:
    raise ValueError(f"workers goes with strategy=multi_worker or auto, got {name!r}.")
  cluster = None
  if wants_workers:
    cluster = cluster_lib.named(settings.workers, settings.worker_index, os.environ)
  if strategy_lib.resolved(name, cluster) != "multi_worker" or cluster is None:
    return Hosts(strategy_lib.create(name))
  if not cluster.peers:
    return Hosts(strategy_lib.create(name, cluster), cluster)
  rendezvous.meet(cluster, settings.peers_timeout_seconds)
  with rendezvous.ended_after(settings.peers_timeout_seconds):
    return Hosts(strategy_lib.create(name, cluster), cluster)


def settings_to_agree_on(run) -> dict[str, object]:
  """Returns the settings by name that must be the same on all workers.

  Args:
    run: dataclass of dataclasses; folders may have other names on other machines.
  """
  own = cluster_config.FREE | {"records", "logdir", "strategy", "data_service"}
  return {
    name: value
    for part in dataclasses.asdict(run).values()
    for name, value in part.items()
    if name not in own
  }


def _summed_by_worker(strategy, workers):
  """Returns the compiled function of a worker's float64 [N] to all workers', float64 [W, N]."""
  replicas = strategy.num_replicas_in_sync

  def placed(values):
    here = tf.distribute.get_replica_context().replica_id_in_sync_group
    # Zeros elsewhere, and not a product with zero, which a value that is not finite survives.
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
  """Stands for whatever reports, on workers that do not: takes every call and does nothing."""

  def __enter__(self) -> "Silent":
    """Returns itself."""
    return self

  def __exit__(self, kind, error, trace) -> None:
    """Does nothing."""

  def __getattr__(self, name):
    """Returns a function that does nothing."""
    del name
    return lambda *arguments, **named: None

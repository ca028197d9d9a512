"""Which machines train together, as flags."""

import dataclasses

from deblock.launch.machines import cluster
from deblock.records import option

# A run may be continued with other values of these. Another number of workers changes the order of
# the batches, as `data_service` does, and no more.
FREE = frozenset({"workers", "worker_index", "peers_timeout_seconds"})


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
  """The workers of strategy=multi_worker; all defaults where TF_CONFIG tells."""

  workers: str = option.field(
    "",
    "strategy=multi_worker: host:port,host:port of every worker, the first of which reports and "
    "writes; those of TF_CONFIG if empty",
  )
  worker_index: int = option.field(
    -1, "place of this machine in --workers, from 0; the only flag that differs between machines"
  )
  peers_timeout_seconds: float = option.field(
    120.0, "strategy=multi_worker: how long to wait at the start for the other workers"
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    others = getattr(super(), "__post_init__", None)
    if others:
      others()
    if not self.peers_timeout_seconds > 0:
      raise ValueError(f"peers_timeout_seconds must be positive, got {self.peers_timeout_seconds}.")
    if not self.workers:
      if self.worker_index != -1:
        raise ValueError(f"worker_index goes with --workers, got {self.worker_index} without.")
      return
    cluster.Cluster(cluster.parse_addresses(self.workers, "workers"), self.worker_index)

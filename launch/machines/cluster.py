"""The workers of a run on several machines, named by flags or by TF_CONFIG."""

from collections.abc import Mapping, Sequence
import dataclasses
import json

from deblock.records import json_text, option, paths

TF_CONFIG = "TF_CONFIG"
STRATEGIES = ("auto", "cpu", "gpu", "mirrored", "multi_worker", "tpu")

# A chief is the first worker. Parameter servers and evaluators belong to other ways of training.
_JOBS = ("chief", "worker")


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
  """The workers of strategy=multi_worker; TF_CONFIG names them where `workers` is empty."""

  workers: str = option.field(
    "",
    "strategy=multi_worker: host:port,host:port of every worker; the first one reports and writes; "
    "those of TF_CONFIG if empty",
  )
  worker_index: int = option.field(
    -1, "place of this machine in --workers, from 0; the only flag that differs between machines"
  )
  peers_timeout_seconds: float = option.field(
    120.0, "strategy=multi_worker: how long to wait at the start for the other workers"
  )

  def __post_init__(self):
    """Raises ValueError where a field is out of range."""
    if not self.peers_timeout_seconds > 0:
      raise ValueError(f"peers_timeout_seconds must be positive, got {self.peers_timeout_seconds}.")
    if self.workers:
      Cluster(parse_addresses(self.workers, "workers"), self.worker_index)
    elif self.worker_index != -1:
      raise ValueError(f"worker_index goes with --workers, got {self.worker_index} without.")


@dataclasses.dataclass(frozen=True)
class Cluster:
  """Workers, and which of them this process is.

  Attributes:
    addresses: host:port of each worker; the first is the chief.
    index: place of this process among them.
    source: the flag or variable that names them, for messages.
  """

  addresses: tuple[str, ...]
  index: int
  source: str = "workers"

  def __post_init__(self):
    """Raises ValueError if an address comes twice or the index is not one of them."""
    twice = sorted({name for name in self.addresses if self.addresses.count(name) > 1})
    if twice:
      raise ValueError(f"{self.source} names {', '.join(twice)} more than once.")
    if not 0 <= self.index < len(self.addresses):
      what = "worker_index" if self.source == "workers" else f"the task's index in {self.source}"
      raise ValueError(
        f"{what} must be in [0, {len(self.addresses) - 1}], as there are {len(self.addresses)} "
        f"workers ({', '.join(self.addresses)}), got {self.index}."
      )

  @property
  def peers(self) -> tuple[int, ...]:
    """Indices of the other workers."""
    return tuple(index for index in range(len(self.addresses)) if index != self.index)

  def name(self, index: int) -> str:
    """Returns the name of a worker in messages."""
    return f"worker {index} ({self.addresses[index]})"

  def host_and_port(self, index: int) -> tuple[str, int]:
    """Returns where a worker listens.

    Raises:
      ValueError: if its address is not host:port.
    """
    found = paths.host_and_port(self.addresses[index])
    if found is None:
      raise ValueError(f"{self.source} must be like host:port,host:port, got {self.addresses}.")
    return found


def from_flags(workers: str, index: int, environment: Mapping[str, str]) -> Cluster | None:
  """Returns the workers that the flags name, else those of TF_CONFIG; None if neither names any.

  Args:
    workers: addresses joined by commas, or nothing.
    index: place of this process among them.
    environment: variables of the process.
  Raises:
    ValueError: if the flags or TF_CONFIG are malformed; quotes the offending text.
  """
  if workers:
    return Cluster(parse_addresses(workers, "workers"), index)
  if environment.get(TF_CONFIG):
    return parse_tf_config(environment[TF_CONFIG])
  return None


def parse_addresses(text: str, source: str) -> tuple[str, ...]:
  """Returns the addresses of a list joined by commas.

  Raises:
    ValueError: if one is not host:port; names it.
  """
  return _checked([address.strip() for address in text.split(",")], source)


def parse_tf_config(text: str) -> Cluster | None:
  """Returns the workers that TensorFlow's variable names, a chief first; None if it names none.

  Args:
    text: JSON such as {"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker",
      "index": 0}}. Schedulers set {} for a job of one process.
  Raises:
    ValueError: if it has another form; quotes the offending text.
  """
  try:
    values = json_text.parse(text, TF_CONFIG)
  except ValueError as error:
    raise ValueError(f"{str(error).rstrip('.')}: {_shortened(text)}") from error
  if values == {}:
    return None
  jobs = values.get("cluster") if isinstance(values, dict) else None
  if not isinstance(jobs, dict) or not jobs:
    raise ValueError(
      f'{TF_CONFIG} has no cluster, which must be like {{"worker": ["host:port", "host:port"]}}: '
      f"{_shortened(text)}"
    )
  unknown = sorted(set(jobs) - set(_JOBS))
  if unknown:
    raise ValueError(
      f"{TF_CONFIG} names jobs that do not train, {', '.join(unknown)}: only "
      f"{' and '.join(_JOBS)} can take part."
    )
  lists = [jobs.get(job, []) for job in _JOBS]
  if not all(isinstance(listed, list) for listed in lists) or len(lists[0]) > 1:
    raise ValueError(
      f"{TF_CONFIG}'s cluster must list one chief at most, and workers, got {json.dumps(jobs)}."
    )
  addresses = _checked(lists[0] + lists[1], TF_CONFIG)
  task = values.get("task")
  kind = task.get("type") if isinstance(task, dict) else None
  index = task.get("index") if isinstance(task, dict) else None
  if kind not in jobs or not isinstance(index, int):
    raise ValueError(
      f"{TF_CONFIG} must say which process this is, as a task with a type of the cluster's "
      f"({', '.join(jobs)}) and an index, got {json.dumps(task)}."
    )
  if not 0 <= index < len(jobs[kind]):
    raise ValueError(
      f"{TF_CONFIG} gives this task as {kind} {index}, which is not in its cluster: "
      f"{json.dumps(jobs)}."
    )
  return Cluster(addresses, index + (len(lists[0]) if kind == "worker" else 0), TF_CONFIG)


def _checked(addresses: Sequence, source):
  for address in addresses:
    if not isinstance(address, str) or paths.host_and_port(address) is None:
      raise ValueError(f"{source} must be like host:port,host:port, got {address!r}.")
  return tuple(addresses)


def _shortened(text, most=200):
  return text if len(text) <= most else f"{text[:most]}..."


def check_strategy(name: str) -> str:
  """Returns the strategy's name after checking it.

  Raises:
    ValueError: if there is none of that name.
  """
  if name not in STRATEGIES:
    raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, got {name!r}.")
  return name

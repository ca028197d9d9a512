"""Which devices a run computes on."""

import os

import tensorflow as tf

from deblock.launch.machines import cluster as cluster_lib


def resolved(name: str, cluster: cluster_lib.Cluster | None) -> str:
  """Returns the strategy that "auto" stands for; other names as they are.

  With several workers it does not ask TensorFlow for devices: TensorFlow accepts workers only
  before it has looked for devices.

  Args:
    name: one of `cluster.STRATEGIES`.
    cluster: the workers that flags or TF_CONFIG name; None if there are none.
  Raises:
    ValueError: if workers are missing, or the name is unknown.
  """
  cluster_lib.check_strategy(name)
  if name == "multi_worker" and cluster is None:
    raise ValueError(
      "strategy is multi_worker, but no workers are named: use "
      "--workers=host:port,host:port --worker_index=N, or set TF_CONFIG."
    )
  if name != "auto":
    return name
  if cluster is not None and cluster.peers:
    return "multi_worker"
  gpus = tf.config.list_logical_devices("GPU")
  return "mirrored" if len(gpus) > 1 else "gpu" if gpus else "cpu"


def create(name: str, cluster: cluster_lib.Cluster | None = None) -> tf.distribute.Strategy:
  """Returns the distribution strategy of a name.

  Args:
    name: one of `cluster.STRATEGIES`, as --strategy describes them.
    cluster: the workers. Each must make this call: it returns when all have.
  Raises:
    ValueError: if the GPU or TPU or the workers are missing, or the name is unknown.
    RuntimeError: if there are workers and TensorFlow has looked for devices before.
  """
  name = resolved(name, cluster)
  if name == "cpu":
    return tf.distribute.OneDeviceStrategy("/cpu:0")
  if name == "multi_worker":
    return _multi_worker(cluster)
  if name == "tpu":
    return _tpu()
  gpus = tf.config.list_logical_devices("GPU")
  if name == "gpu":
    if not gpus:
      raise ValueError(
        "strategy is gpu, but TensorFlow sees no GPU; use --strategy=cpu or auto, or see why with "
        "python -c 'import tensorflow as tf; tf.config.list_logical_devices()'."
      )
    return tf.distribute.OneDeviceStrategy("/gpu:0")
  if gpus:
    return tf.distribute.MirroredStrategy([device.name for device in gpus])
  # Logical CPU devices share their cores. TensorFlow's default, collective ops, adds threads that
  # wait for each other, and is no faster (tests/bench/replicas.py).
  return tf.distribute.MirroredStrategy(
    [device.name for device in tf.config.list_logical_devices("CPU")],
    cross_device_ops=tf.distribute.ReductionToOneDevice(),
  )


def devices(strategy: tf.distribute.Strategy) -> str:
  """Returns the names of this machine's devices that a strategy uses, such as "GPU:0 (NVIDIA L4)".

  Args:
    strategy: of the run.
  """
  gpus = tf.config.get_visible_devices("GPU")
  names = []
  for device in strategy.extended.worker_devices:
    kind, place = device.rpartition("device:")[2].split(":")
    found = {}
    if kind == "GPU" and int(place) < len(gpus):
      found = tf.config.experimental.get_device_details(gpus[int(place)])
    name = found.get("device_name")
    names.append(f"{kind}:{place} ({name})" if name else f"{kind}:{place}")
  return ", ".join(names)


def _multi_worker(cluster):
  # To TensorFlow all are workers; only this project has a chief.
  resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
    tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
    task_type="worker",
    task_id=cluster.index,
    num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
    rpc_layer="grpc",
  )
  communication = tf.distribute.experimental.CommunicationImplementation
  options = tf.distribute.experimental.CommunicationOptions(
    # AUTO is NCCL on GPUs, which does not work on CPUs.
    implementation=communication.AUTO
    if tf.config.list_physical_devices("GPU")
    else communication.RING
  )
  return tf.distribute.MultiWorkerMirroredStrategy(resolver, options)


def _tpu():
  """Returns the strategy of a TPU. Untested: the project has no TPU."""
  # "local" is the TPU of this machine; others have a name.
  name = os.environ.get("TPU_NAME", "local")
  try:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
  except (ValueError, RuntimeError, tf.errors.OpError) as error:
    raise ValueError(
      f"strategy is tpu, but no TPU has the name {name!r} (TPU_NAME, or local), or this TensorFlow "
      f"is built without TPUs: {str(error).strip().splitlines()[0]}"
    ) from error
  return tf.distribute.TPUStrategy(resolver)

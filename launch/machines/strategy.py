"""Which devices a run computes on."""

import os

import tensorflow as tf

from deblock.launch.machines import cluster as cluster_lib

NAMES = ("auto", "cpu", "gpu", "mirrored", "multi_worker", "tpu")


def resolved(name: str, cluster: cluster_lib.Cluster | None) -> str:
  """Returns the strategy that "auto" stands for; other names as they are.

  Nothing is asked of TensorFlow where there are workers: it can be told of them only before it
  looks for devices.

  Args:
    name: one of NAMES.
    cluster: the workers that flags or TF_CONFIG name; None if none.
  Raises:
    ValueError: if workers are missing, or the name is not known.
  """
  if name not in NAMES:
    raise ValueError(f"strategy must be one of {', '.join(NAMES)}, got {name!r}.")
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
  """Returns the distribution strategy that a name asks for.

  Args:
    name: one of NAMES, as --strategy describes them.
    cluster: the workers, each of which must get here: the call returns when all have.
  Raises:
    ValueError: if a GPU or TPU is asked for and there is none, workers are missing, or the name is
      not known.
    RuntimeError: if there are workers and TensorFlow has looked for devices already.
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
  # Logical CPU devices share their cores. Collective ops, TensorFlow's default, add threads that
  # wait for the other replicas', and are no faster (tests/bench/replicas.py).
  return tf.distribute.MirroredStrategy(
    [device.name for device in tf.config.list_logical_devices("CPU")],
    cross_device_ops=tf.distribute.ReductionToOneDevice(),
  )


def _multi_worker(cluster):
  # Chief or not is a matter of this project's own; to TensorFlow all are workers.
  resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
    tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
    task_type="worker",
    task_id=cluster.index,
    num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
    rpc_layer="grpc",
  )
  communication = tf.distribute.experimental.CommunicationImplementation
  options = tf.distribute.experimental.CommunicationOptions(
    # AUTO is NCCL on GPUs, which knows nothing of CPUs.
    implementation=communication.AUTO
    if tf.config.list_physical_devices("GPU")
    else communication.RING
  )
  return tf.distribute.MultiWorkerMirroredStrategy(resolver, options)


def _tpu():
  """Returns the strategy of a TPU; never run by this project, which had none to run it on."""
  # A machine that a TPU belongs to calls it local; elsewhere it has a name.
  name = os.environ.get("TPU_NAME", "local")
  try:
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver(name)
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
  except (ValueError, RuntimeError, tf.errors.OpError) as error:
    raise ValueError(
      f"strategy is tpu, but no TPU answers to the name {name!r} (of TPU_NAME, or local), or this "
      f"TensorFlow is built without: {str(error).strip().splitlines()[0]}"
    ) from error
  return tf.distribute.TPUStrategy(resolver)

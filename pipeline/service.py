"""Training batches made on other machines, by tf.data's service.

Each worker takes the next stretch of the stream of tiles (`source.stretches`) and makes its batches
as one machine would. The batches of a run are therefore the same bits as without the service, each
once, in another order. If a worker dies, the rest of its stretch is lost: no batch is repeated, and
some may be missing. A run that resumes enters the stream at its step. Since batches arrive out of
order, it may repeat some that were early and miss some that were late.
"""

import socket

from deblock.records import paths

TIMEOUT_S = 5.0


def check_reachable(name: str, address: str, timeout_s: float = TIMEOUT_S) -> None:
  """Checks that something listens at an address, since TensorFlow's client retries for hours.

  Args:
    name: of the flag that holds it, for the message.
    address: as `paths.parse_address` takes it.
    timeout_s: seconds to wait for an answer.
  Raises:
    ValueError: if it is not an address.
    ConnectionError: if nothing answers.
  """
  host, port = paths.parse_address(name, address)
  try:
    socket.create_connection((host, port), timeout_s).close()
  except OSError as error:
    reason = error.strerror or f"no answer in {timeout_s:g} s"
    raise ConnectionError(
      f"{name} {address} cannot be reached: {reason}. Is deblock-data-service running there?"
    ) from error


def distributed(batches, address: str):
  """Returns a dataset of the same elements, made by the workers of a data service.

  Args:
    batches: tf.data.Dataset with a source of stretches: a worker makes one stretch at a time.
      Workers need the files that it reads, under the same absolute paths.
    address: of the service's dispatcher, grpc://host:port.
  Raises:
    ConnectionError: if nothing answers there. A dispatcher without workers answers, and the first
      element then waits for a worker.
  """
  import tensorflow as tf  # Here, so that addresses are checked without it.

  check_reachable("data_service", address)
  host, port = paths.parse_address("data_service", address)
  return batches.apply(
    tf.data.experimental.service.distribute(
      processing_mode=tf.data.experimental.service.ShardingPolicy.DYNAMIC,
      service=f"grpc://{host}:{port}",
      # Compression does not shrink pixels of photographs, and costs time on both sides.
      compression=None,
    )
  )

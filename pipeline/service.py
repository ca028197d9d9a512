"""Training batches made on other machines, by tf.data's service.

Workers are handed stretches of the stream of tiles (`source.stretches`), one at a time and whoever
asks first, and make of each what one machine would have made of it. So the batches are those of a
run without the service, to the last bit, each of them once; only their order is not kept. What a
worker had begun when it died is not made again, the rest of its stretch included: no batch comes
twice, some may be missing. A run that goes on enters the stream at its step, and as batches
arrive out of order it may see some again that were early, and miss some that were late.
"""

import socket

import tensorflow as tf

from deblock.records import paths

TIMEOUT_S = 5.0


def parse_address(name: str, address: str) -> tuple[str, int]:
  """Returns host and port of an address.

  Args:
    name: of the flag that holds it, for the message.
    address: like grpc://host:port; the protocol may be left out.
  Raises:
    ValueError: if it is not an address.
  """
  found = paths.host_and_port(address.removeprefix("grpc://"))
  if found is None:
    raise ValueError(f"{name} must be like grpc://host:port, got {address!r}.")
  return found


def check_reachable(name: str, address: str, timeout_s: float = TIMEOUT_S) -> None:
  """Checks that something listens at an address: TensorFlow's client would try for hours.

  Args:
    name: of the flag that holds it, for the message.
    address: as `parse_address` takes it.
    timeout_s: seconds to wait for an answer.
  Raises:
    ValueError: if it is no address.
    ConnectionError: if nothing answers.
  """
  host, port = parse_address(name, address)
  try:
    socket.create_connection((host, port), timeout_s).close()
  except OSError as error:
    reason = error.strerror or f"no answer in {timeout_s:g} s"
    raise ConnectionError(
      f"{name} {address} cannot be reached: {reason}. Is deblock-data-service running there?"
    ) from error


def distributed(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
  """Returns a dataset of the same elements, made by the workers of a data service.

  Args:
    batches: whose source hands out what one worker makes at a time; files it reads must be there
      for the workers too, under the same absolute paths.
    address: of the service's dispatcher, grpc://host:port.
  Raises:
    ConnectionError: if nothing answers there. While a dispatcher without workers answers, the
      first element is waited for.
  """
  check_reachable("data_service", address)
  host, port = parse_address("data_service", address)
  return batches.apply(
    tf.data.experimental.service.distribute(
      processing_mode=tf.data.experimental.service.ShardingPolicy.DYNAMIC,
      service=f"grpc://{host}:{port}",
      # Pixels of photographs do not get smaller by it, and it costs time on both sides.
      compression=None,
    )
  )

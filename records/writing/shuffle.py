"""Brings a stream of records into an order that hashes decide, in bounded memory."""

from collections.abc import Iterable, Iterator

from deblock.records.planning import hashing


def shuffled(records: Iterable[tuple[str, bytes]], seed: int, buffer_bytes: int) -> Iterator[bytes]:
  """Yields the records in an order that their keys and the seed decide.

  As long as all fit into the buffer that is the order of their keys' hashes, a full shuffle. From
  there on each record that comes in pushes out one that its hash picks, as `tf.data` shuffles.

  Args:
    records: (key, serialised record) pairs; keys differ from each other.
    seed: of the order.
    buffer_bytes: most bytes of records that are held, one record more at times.
  """
  buffer: list[tuple[int, str, bytes]] = []
  held = 0
  for key, record in records:
    order = hashing.stable_hash(seed, key)
    buffer.append((order, key, record))
    held += len(record)
    while held > buffer_bytes and len(buffer) > 1:
      # The last place holds the newest record, which may be the one that is picked.
      picked = order % len(buffer)
      buffer[picked], buffer[-1] = buffer[-1], buffer[picked]
      *_, leaving = buffer.pop()
      held -= len(leaving)
      yield leaving
  buffer.sort()
  # Given back one by one, so that what the writer has taken does not stay in memory with its copy.
  buffer.reverse()
  while buffer:
    yield buffer.pop()[2]

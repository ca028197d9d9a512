"""Reports how many shards of a folder are finished, while other processes write them."""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import threading
import time
from typing import NamedTuple

from deblock.records.layout import files
from deblock.records.planning import config as config_lib
from deblock.records.planning import plan
from deblock.records.writing import shard

_INTERVAL_SECONDS = 0.2
# Looking takes at most this share of the time: listing a bucket is slow and costs money.
_LOOKING_SHARE = 0.02


class Progress(NamedTuple):
  """Finished shards, the number of all shards, and the tiles and bytes of the finished ones."""

  shards: int
  all_shards: int
  tiles: int
  size_bytes: int


@contextlib.contextmanager
def watch(
  shards: Sequence[plan.ShardPlan],
  config: config_lib.RecordsConfig,
  on_progress: Callable[[Progress], None] | None,
) -> Iterator[None]:
  """Reports progress while the body runs.

  It looks at the files, so any process or machine can write them.

  Args:
    shards: all shards of the plan.
    config: the settings, and the folder.
    on_progress: called at the start, at each change (from another thread), and at the end if the
      body succeeds; None for no reports.
  """
  if on_progress is None:
    yield
    return
  watched = _Watched(shards, config)
  on_progress(watched.look())
  stop = threading.Event()

  def keep_looking():
    pause = _INTERVAL_SECONDS
    before = watched.progress
    while not stop.wait(pause):
      began = time.monotonic()
      now = watched.look()
      pause = max(_INTERVAL_SECONDS, (time.monotonic() - began) / _LOOKING_SHARE)
      if now != before:
        on_progress(now)
        before = now

  thread = threading.Thread(target=keep_looking, name="progress", daemon=True)
  thread.start()
  try:
    yield
  finally:
    stop.set()
    thread.join()
  # The thread can have ended between the last file and its next look.
  before = watched.progress
  if watched.look() != before:
    on_progress(watched.progress)


class _Watched:
  """Shards, and the progress at the last look."""

  def __init__(self, shards, config):
    self._missing = {item.name: item for item in shards}
    self._config = config
    self.progress = Progress(0, len(shards), 0, 0)

  def look(self):
    """Returns the progress now."""
    present = set(files.names(self._config.records))
    for name in sorted(present & self._missing.keys()):
      result = shard.finished(self._missing[name], self._config, self._config.records)
      if result is not None:
        del self._missing[name]
        done, every, tiles, size_bytes = self.progress
        self.progress = Progress(
          done + 1, every, tiles + result.shard.count, size_bytes + result.shard.size_bytes
        )
    return self.progress

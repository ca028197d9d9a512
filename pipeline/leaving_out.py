"""The training shards of a host, without the records that on_bad_record=skip leaves out.

With on_bad_record=skip all records are checked once, before the first step. The stream is then that
of records without the bad ones: it can be entered anywhere, no crop replaces another, and good
records cost nothing during training. Damage after the check stops the run.
"""

import itertools

from absl import logging
import numpy as np
import tensorflow as tf

from deblock.pipeline import bad_records, source
from deblock.pipeline import config as config_lib
from deblock.records import paths as paths_lib
from deblock.records.layout import manifest as manifest_lib

_MOST_LOGGED = 20


def good_shards(
  config: config_lib.InputConfig, manifest: manifest_lib.Manifest, host: int = 0, hosts: int = 1
) -> source.Shards:
  """Returns what a host reads: all its shards, with on_bad_record=skip only their good records.

  Skipping reads every record once. It logs the first 20 bad ones, each with its reason.

  Args:
    config: of the batches.
    manifest: of the records.
    host: index of this host.
    hosts: number of hosts; each reads every hosts-th shard.
  Raises:
    BadRecordError: if more than `config.max_bad_share` of the records are bad.
    OSError: if a shard cannot be opened.
    ValueError: if there are no training records, or fewer shards than hosts.
  """
  paths, counts = _shards_of_host(manifest, host, hosts)
  if config.on_bad_record == "stop":
    return source.Shards(paths, counts)
  rules = bad_records.rules_of(config, manifest.clean_encoding)
  total = sum(counts)
  logging.info("checking %d records in %d shards of %s", total, len(paths), manifest.folder)
  good = bad_records.good_records(paths, counts, rules)
  shards = source.Shards(paths, tuple(int(here.sum()) for here in good), _reader(good))
  bad = total - shards.count
  if not bad:
    return shards
  found = list(itertools.islice(bad_records.problems(paths, good, rules), _MOST_LOGGED))
  if bad > config.max_bad_share * total:
    raise bad_records.BadRecordError(
      bad_records.with_advice(
        f"{bad} of {total} training records are bad, more than max_bad_share = "
        f"{config.max_bad_share:g} allows. The first: {found[0]}",
        manifest.folder,
      )
    )
  for problem in found:
    logging.warning("skipped: %s", problem)
  named = sum(problem.last - problem.first + 1 for problem in found)
  logging.warning(
    "%d of %d training records of %s are bad and skipped%s",
    bad,
    total,
    manifest.folder,
    f", {bad - named} of them not listed here" if named < bad else "",
  )
  return shards


def _shards_of_host(manifest, host, hosts):
  """Returns this host's shards and the number of records in each."""
  # Workers of a data service have another working folder.
  paths = tuple(map(paths_lib.absolute, manifest.shard_paths("train")))
  counts = tuple(shard.count for shard in manifest.filled_shards("train"))
  if not counts:
    raise ValueError(f"{manifest.folder} holds no training records.")
  if len(paths) < hosts:
    raise ValueError(
      f"{manifest.folder} has {len(paths)} training shards for {hosts} hosts, and each needs its "
      f"own: write the records again with --shards={hosts} or more."
    )
  return paths[host::hosts], counts[host::hosts]


def _reader(good):
  """Returns the `read` of `source.Shards` that gives the good records only."""
  # Nothing is read after the last good record, so that its checksums cannot fail.
  ends = [int(np.flatnonzero(here)[-1]) + 1 if here.any() else 0 for here in good]
  holes = [
    (index, number)
    for index, (here, end) in enumerate(zip(good, ends, strict=True))
    for number in np.flatnonzero(~here[:end]).tolist()
  ]
  lengths = tf.constant(ends, tf.int64, (len(ends),))

  def read(index, path):
    return tf.data.TFRecordDataset(path).take(lengths[index])

  if not holes:
    return read
  skipped = tf.constant(holes, tf.int64)

  def read_around_holes(index, path):
    def is_good(number, serialized):
      del serialized
      place = tf.stack([tf.cast(index, tf.int64), number])
      return tf.reduce_all(tf.reduce_any(skipped != place, axis=1))

    return read(index, path).enumerate().filter(is_good).map(lambda number, record: record)

  return read_around_holes

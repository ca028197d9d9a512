"""Bad records left out of training, if that is asked for, or not looked for at all.

All are checked once, before the first step, so that the stream is that of records which never held
the bad ones: it can be entered anywhere, no crop takes the place of another, and a good record
costs nothing while training goes on. What is damaged after that stops the run.
"""

import itertools

from absl import logging
import numpy as np
import tensorflow as tf

from deblock.pipeline import bad_records, source
from deblock.pipeline import config as config_lib

_MOST_LOGGED = 20


def usable(
  config: config_lib.InputConfig,
  clean_encoding: str,
  folder: str,
  paths: tuple[str, ...],
  counts: tuple[int, ...],
) -> source.Shards:
  """Returns what to read of shards: all, or with on_bad_record=skip what is good.

  That reads every record once. Bad ones are logged, the first 20 of them each with its reason.

  Args:
    config: what batches are made of.
    clean_encoding: of the records.
    folder: of the records, for messages.
    paths: of the shards.
    counts: of the records in each.
  Raises:
    BadRecordError: if more than `config.max_bad_share` of the records are bad.
    OSError: if a shard cannot be opened.
  """
  total = sum(counts)
  if config.on_bad_record == "stop":
    return source.Shards(paths, counts)
  rules = bad_records.rules_of(config, clean_encoding)
  logging.info("checking %d records in %d shards of %s", total, len(paths), folder)
  good = bad_records.good_records(paths, counts, rules)
  shards = source.Shards(paths, tuple(int(here.sum()) for here in good), _reader(good))
  bad = total - shards.count
  if not bad:
    return shards
  found = list(itertools.islice(bad_records.problems(paths, good, rules), _MOST_LOGGED))
  if bad > config.max_bad_share * total:
    raise bad_records.BadRecordError(
      bad_records.advised(
        f"{bad} of {total} training records are bad, more than max_bad_share = "
        f"{config.max_bad_share:g} allows. The first: {found[0]}",
        folder,
      )
    )
  for problem in found:
    logging.warning("left out: %s", problem)
  named = sum(problem.last - problem.first + 1 for problem in found)
  logging.warning(
    "%d of %d training records of %s are bad and left out%s",
    bad,
    total,
    folder,
    f", {bad - named} of them not named here" if named < bad else "",
  )
  return shards


def _reader(good):
  """Returns the `read` of `source.Shards` that gives the good records alone."""
  # What follows the last good record is never read, so that its checksums cannot fail.
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
  left_out = tf.constant(holes, tf.int64)

  def read_round_holes(index, path):
    def is_good(number, serialized):
      del serialized
      place = tf.stack([tf.cast(index, tf.int64), number])
      return tf.reduce_all(tf.reduce_any(left_out != place, axis=1))

    return read(index, path).enumerate().filter(is_good).map(lambda number, record: record)

  return read_round_holes

"""Finds records that cannot be trained on, and names each by its shard and its number in the shard.

Training does not look for them, so that good records cost nothing. Its operations fail on a bad
record without knowing where it came from. These functions read the shards again and name it.
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import functools
import shlex
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import degrade, source
from deblock.records import graph_errors
from deblock.records.layout import manifest as manifest_lib
from deblock.records.layout import schema


class BadRecordError(ValueError):
  """A record cannot be used. The message names its shard and number, and what to do."""


class Problem(NamedTuple):
  """One bad record, or several consecutive ones with one reason.

  Attributes:
    path: the shard.
    first: number of the record in it, from 0.
    last: number of the last one.
    reason: what is wrong, a sentence without a full stop.
  """

  path: str
  first: int
  last: int
  reason: str

  def __str__(self):
    """Returns "shard, record number: reason"."""
    numbers = f"record {self.first}"
    if self.last > self.first:
      numbers = f"records {self.first} to {self.last}"
    return f"{self.path}, {numbers}: {self.reason}"


class Rules(NamedTuple):
  """What a record must hold.

  Attributes:
    clean_encoding: of the records.
    crop_size: smallest side of a tile.
    streams: whether its JPEGs are checked.
    qualities: only these JPEGs are checked; all if empty.
  """

  clean_encoding: str
  crop_size: int = 1
  streams: bool = True
  qualities: tuple[int, ...] = ()


def rules_of(config: config_lib.InputConfig, clean_encoding: str) -> Rules:
  """Returns the rules for records of a run with this configuration."""
  return Rules(
    clean_encoding,
    crop_size=config.crop_size if config.sampling == "crops" else 1,
    streams=config.degradation == "stored",
    qualities=config.qualities,
  )


def check(serialized: tf.Tensor, rules: Rules) -> tf.Tensor:
  """Parses and decodes a record as training does, and returns its size, int32 [2].

  Args:
    serialized: string scalar.
    rules: to check.
  Raises:
    InvalidArgumentError: in the graph, if it breaks a rule.
  """
  element = schema.parse(serialized, rules.clean_encoding)
  size = tf.shape(element.clean)[:2]
  checks = [
    tf.debugging.assert_greater_equal(
      tf.reduce_min(size),
      rules.crop_size,
      message=f"crop_size is larger than this tile, {rules.crop_size}",
    )
  ]
  if rules.streams:
    streams = element.compressed
    if rules.qualities:
      wanted = tf.constant(rules.qualities, tf.int64)
      kept = tf.reduce_any(element.qualities[:, tf.newaxis] == wanted, axis=1)
      streams = tf.boolean_mask(streams, kept)
      checks.append(
        tf.debugging.assert_positive(
          tf.size(streams), message=f"it stores none of the qualities {rules.qualities}"
        )
      )
    sizes = tf.map_fn(
      lambda stream: tf.shape(degrade.decode_stored(stream, element.clean)),
      streams,
      fn_output_signature=tf.int32,
    )
    checks.append(tf.debugging.assert_non_negative(sizes))
  with tf.control_dependencies([made for made in checks if made is not None]):
    return tf.identity(size)


def good_records(paths: Sequence[str], counts: Sequence[int], rules: Rules) -> list[np.ndarray]:
  """Returns which records of each shard are good, bool [count] for each; reads all, on all cores.

  All records after an error of checksum or length are bad too, since the start of the next record
  is unknown. Records beyond a shard's count are ignored.

  Raises:
    OSError: if a shard cannot be opened.
  """
  _check_can_be_opened(paths)
  lengths = tf.constant(counts, tf.int64, (len(counts),))

  def numbered(index, path):
    readable = tf.data.TFRecordDataset(path).ignore_errors(log_warning=False)
    places = tf.data.Dataset.from_tensors(index).repeat()
    return tf.data.Dataset.zip((places, tf.data.Dataset.range(lengths[index]), readable))

  def checked(index, number, serialized):
    with tf.control_dependencies([check(serialized, rules)]):
      return tf.cast(index, tf.int64), tf.identity(number)

  indices = tf.range(len(paths))
  found = (
    tf.data.Dataset.from_tensor_slices((indices, tf.constant(paths, tf.string, (len(paths),))))
    .interleave(numbered, source.READ_SHARDS, num_parallel_calls=tf.data.AUTOTUNE)
    .map(checked, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    # Not silently: the records that are missing here are the result.
    .ignore_errors(log_warning=False)
    .batch(1024)
  )
  good = [np.zeros(count, bool) for count in counts]
  for index, number in found.as_numpy_iterator():
    for place in np.unique(index):
      good[place][number[index == place]] = True
  return good


def problems(paths: Sequence[str], good: Sequence[np.ndarray], rules: Rules) -> Iterator[Problem]:
  """Yields the problems of the records that `good_records` found bad, in order of shards."""
  for path, good_here in zip(paths, good, strict=True):
    if not good_here.all():
      yield from _problems_of(path, good_here, rules)


def first_stored(
  manifest: manifest_lib.Manifest, split: str, rules: Rules, limit: int | None = None
) -> Problem | None:
  """Returns the first bad record of a split, or of its first `limit` records; None if all are good.

  A missing split has no bad records.
  """
  if split not in manifest.splits:
    return None
  for path, count in zip(*_shards(manifest, split), strict=True):
    wanted = count if limit is None else min(count, limit)
    (good,) = good_records([path], [wanted], rules)
    if not good.all():
      return next(_problems_of(path, good, rules), None)
    if limit is not None:
      limit -= wanted
  return None


@contextlib.contextmanager
def explained(
  folder: str, find: Callable[[Exception], Problem | None], may_be_left_out: bool = True
):
  """Raises BadRecordError in place of an error of the graph for which `find` finds a bad record.

  Args:
    folder: of the records, for the message.
    find: returns the problem that explains the error, or None.
    may_be_left_out: whether on_bad_record=skip applies.
  """
  try:
    yield
  except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:
    # TensorFlow raises UnicodeDecodeError for an error that quotes a record's bytes.
    problem = find(error)
    if problem is None:
      raise
    raise BadRecordError(with_advice(str(problem), folder, may_be_left_out)) from error


def with_advice(problem: str, folder: str, may_be_left_out: bool = True) -> str:
  """Returns a problem with advice."""
  advice = (
    f"{problem}. To rewrite the shard, delete it and repeat the deblock-records command that wrote "
    f"{folder}; deblock-pipeline --records={shlex.quote(str(folder))} --check names every bad "
    "record"
  )
  if not may_be_left_out:
    return f"{advice}. Records for evaluation are never skipped."
  return f"{advice}, and --on_bad_record=skip skips them."


def _shards(manifest, split):
  counts = [shard.count for shard in manifest.filled_shards(split)]
  return manifest.shard_paths(split), counts


def _problems_of(path, good, rules):
  """Yields the problems of one shard, read up to its last bad record."""
  stream = iter(tf.data.TFRecordDataset(path))
  for number in range(int(np.flatnonzero(~good)[-1]) + 1):
    try:
      serialized = next(stream)
    except StopIteration:
      yield Problem(path, number, len(good) - 1, "the file ends before it")
      return
    except tf.errors.OpError as error:
      yield Problem(path, number, len(good) - 1, f"{graph_errors.gist(error)}, so the rest is lost")
      return
    if not good[number]:
      reason = _reason(serialized, rules) or "it could not be read before, and can be read now"
      yield Problem(path, number, number, reason)


@functools.cache
def _compiled_check(rules):
  return tf.function(lambda serialized: check(serialized, rules))


def _reason(serialized, rules):
  """Returns what is wrong with a record; "" for a good one."""
  try:
    _compiled_check(rules)(serialized)
  except (tf.errors.OpError, UnicodeDecodeError) as error:
    return graph_errors.gist(error)
  return ""


def _check_can_be_opened(paths):
  """Raises for a missing or forbidden file, which TensorFlow would retry forever."""
  for path in paths:
    try:
      with tf.io.gfile.GFile(path, "rb") as file:
        file.read(1)
    except tf.errors.OpError as error:
      raise OSError(f"{path} cannot be read: {error.message}.") from error

"""Decides which image goes to which split and shard, by hashes of stable names alone."""

from collections.abc import Iterable, Sequence
import dataclasses
import hashlib

from deblock.records import sources

SPLITS = ("train", "test")

_IMAGES_PER_SHARD = 8
_MOST_SHARDS = 1024


@dataclasses.dataclass(frozen=True)
class ShardPlan:
  """One file to be written, and the images that it is made of.

  Attributes:
    split: "train" or "test".
    index: number of the shard within its split, from 0.
    count: shards of the split.
    images: at least one, in the order in which they are read.
  """

  split: str
  index: int
  count: int
  images: tuple[sources.SourceImage, ...]

  @property
  def name(self) -> str:
    """The file name, in the pattern that TFDS reads."""
    return f"deblock-{self.split}.tfrecord-{self.index:05d}-of-{self.count:05d}"


@dataclasses.dataclass(frozen=True)
class Plan:
  """All shards, train before test, each split in the order of its indices."""

  shards: tuple[ShardPlan, ...]

  @property
  def images(self) -> tuple[sources.SourceImage, ...]:
    """Every image, in the order of the shards."""
    return tuple(image for shard in self.shards for image in shard.images)


def stable_hash(*parts: object) -> int:
  """Returns a 64-bit hash of the parts' texts that is the same in every process and version."""
  text = "\0".join(str(part) for part in parts)
  return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "big")


def assign_splits(images: Iterable[sources.SourceImage], test_share: float) -> dict[str, str]:
  """Returns the split, "train" or "test", of each image id.

  A group's hash, read as a fraction of its range, is compared with the share: below it is test.
  So another image never moves one that was there, and the share holds on average, not exactly.
  One exception keeps small sets usable: if the share lies strictly between 0 and 1 and there are
  two groups or more, an empty split gets the group whose hash is nearest to it.

  Args:
    images: to be assigned.
    test_share: in [0, 1]; 0 puts all into train, 1 all into test.
  Raises:
    ValueError: if the share is out of range.
  """
  if not 0 <= test_share <= 1:
    raise ValueError(f"test_share must be in [0, 1], got {test_share}.")
  images = tuple(images)
  fractions = {image.group: stable_hash("split", image.group) / 2**64 for image in images}
  splits = {
    group: "test" if fraction < test_share else "train" for group, fraction in fractions.items()
  }
  if len(fractions) > 1 and 0 < test_share < 1:
    order = sorted(fractions, key=lambda group: (fractions[group], group))
    splits[order[0]] = "test"
    splits[order[-1]] = "train"
  return {image.id: splits[image.group] for image in images}


def shard_count(shards: str, images: int) -> int:
  """Returns the number of shards of a split with that many images.

  Args:
    shards: a positive number in digits, lowered to one shard per image; or "auto", one shard
      for every 8 full images, between 1 and 1024.
    images: at least 1.
  Raises:
    ValueError: if `shards` is neither.
  """
  if shards == "auto":
    return max(1, min(images // _IMAGES_PER_SHARD, _MOST_SHARDS))
  if not shards.isdecimal() or int(shards) < 1:
    raise ValueError(f'shards must be "auto" or a positive number, got {shards!r}.')
  return min(int(shards), images)


def make_plan(images: Sequence[sources.SourceImage], test_share: float, shards: str) -> Plan:
  """Returns the plan of a set of images: every image in one shard, no shard without images.

  Within a split the images are ordered by a hash and dealt out in turn, so shards differ by one
  image at most and each is a fair sample.

  Raises:
    ValueError: if two images share an id, or as `assign_splits` and `shard_count`.
  """
  ids = {image.id for image in images}
  if len(ids) != len(images):
    raise ValueError(f"image ids must be unique, got {len(images)} images with {len(ids)} ids.")
  splits = assign_splits(images, test_share)
  plans = []
  for split in SPLITS:
    members = [image for image in images if splits[image.id] == split]
    members.sort(key=lambda image: (stable_hash("shard", image.id), image.id))
    count = shard_count(shards, len(members)) if members else 0
    for index in range(count):
      plans.append(ShardPlan(split, index, count, tuple(members[index::count])))
  return Plan(tuple(plans))

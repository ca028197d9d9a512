"""Assigns images to splits and shards by hashes of stable names."""

from collections.abc import Collection, Iterable, Sequence
import dataclasses

from deblock.records.planning import hashing
from deblock.records.sources import source_image

SPLITS = ("train", "test")


@dataclasses.dataclass(frozen=True)
class ShardPlan:
  """One shard file, and the images that it is made of.

  Attributes:
    split: "train" or "test".
    index: number of the shard within its split, from 0.
    count: shards of the split.
    images: in the order in which they are read; empty if all are duplicates.
  """

  split: str
  index: int
  count: int
  images: tuple[source_image.SourceImage, ...]

  @property
  def name(self) -> str:
    """The file name, in the pattern that TFDS reads."""
    return f"deblock-{self.split}.tfrecord-{self.index:05d}-of-{self.count:05d}"


@dataclasses.dataclass(frozen=True)
class Plan:
  """All shards, train before test, each split in the order of its indices."""

  shards: tuple[ShardPlan, ...]

  @property
  def images(self) -> tuple[source_image.SourceImage, ...]:
    """Every image, in the order of the shards."""
    return tuple(image for shard in self.shards for image in shard.images)


def assign_splits(
  images: Iterable[source_image.SourceImage],
  test_share: float,
  test_ids: Collection[str] | None = None,
) -> dict[str, str]:
  """Returns the split, "train" or "test", of each group of images.

  A group is test if the hash of its name, as a fraction, is below the share. Adding an image
  therefore never moves another one, and the share holds on average. One exception keeps small sets
  usable: with two groups or more, and a share strictly between 0 and 1, an empty split gets the
  group whose hash is nearest.

  Args:
    images: to assign.
    test_share: in [0, 1]; 0 puts all into train, 1 all into test.
    test_ids: if given, replaces the share: these images and the rest of their groups are test.
  Raises:
    ValueError: if the share is out of range, or a listed image does not exist.
  """
  if not 0 <= test_share <= 1:
    raise ValueError(f"test_share must be in [0, 1], got {test_share}.")
  if test_ids is not None:
    groups = {image.id: image.group for image in images}
    unknown = sorted(set(test_ids) - groups.keys())
    if unknown:
      raise ValueError(
        f"test_list names {len(unknown)} of {len(test_ids)} images that do not exist, such as "
        f"{unknown[0]!r}; ids look like {min(groups, default='')!r}."
      )
    test_groups = {groups[image] for image in test_ids}
    return {group: "test" if group in test_groups else "train" for group in groups.values()}
  fractions = {group: hashing.fraction("split", group) for group in {im.group for im in images}}
  splits = {
    group: "test" if fraction < test_share else "train" for group, fraction in fractions.items()
  }
  if len(fractions) > 1 and 0 < test_share < 1:
    order = sorted(fractions, key=lambda group: (fractions[group], group))
    splits[order[0]] = "test"
    splits[order[-1]] = "train"
  return splits


def check_shards(shards: str) -> str:
  """Returns the number of shards after checking it.

  Raises:
    ValueError: if it is neither "auto" nor a positive number in digits.
  """
  if shards != "auto" and not (shards.isdecimal() and int(shards) > 0):
    raise ValueError(f'shards must be "auto" or a positive number, got {shards!r}.')
  return shards


def make_plan(
  images: Sequence[source_image.SourceImage], splits: dict[str, str], shards: dict[str, int]
) -> Plan:
  """Returns the plan of a set of images: every image is in one shard.

  Within a split, chunks of images (a file is a chunk of one) are ordered by a hash and dealt out in
  turn. Shards differ by one chunk at most, and each is a fair sample.

  Args:
    images: with unique ids.
    splits: split of each group.
    shards: number of shards of each split; at most one for each chunk is used.
  Raises:
    ValueError: if two images share an id.
  """
  ids = {image.id for image in images}
  if len(ids) != len(images):
    raise ValueError(f"image ids must be unique, got {len(images)} images with {len(ids)} ids.")
  plans = []
  for split in SPLITS:
    chunks: dict[str, list[source_image.SourceImage]] = {}
    for image in images:
      if splits[image.group] == split:
        chunks.setdefault(image.chunk, []).append(image)
    order = sorted(chunks, key=lambda chunk: (hashing.stable_hash("shard", chunk), chunk))
    count = min(shards[split], len(order))
    for index in range(count):
      dealt = (sorted(chunks[chunk], key=lambda image: image.id) for chunk in order[index::count])
      members = tuple(image for chunk in dealt for image in chunk)
      plans.append(ShardPlan(split, index, count, members))
  return Plan(tuple(plans))


def revise(plan: Plan, copies: Collection[str], moved: Collection[str]) -> Plan:
  """Returns a plan without some images and with some groups in training.

  No other image changes its shard, so all other shards stay the same.

  Args:
    plan: the first plan.
    copies: ids of images to leave out.
    moved: groups whose test images go to training.
  """
  copies, moved = frozenset(copies), frozenset(moved)
  if not copies and not moved:
    return plan
  train = [shard for shard in plan.shards if shard.split == "train"]
  arrivals: dict[int, list[source_image.SourceImage]] = {}
  revised = []
  for shard in plan.shards:
    staying = []
    for image in shard.images:
      if image.id in copies:
        continue
      if shard.split == "test" and image.group in moved:
        arrivals.setdefault(hashing.stable_hash("shard", image.chunk) % len(train), []).append(
          image
        )
      else:
        staying.append(image)
    revised.append(dataclasses.replace(shard, images=tuple(staying)))
  for index, images in arrivals.items():
    # Training shards come first in a plan, so their positions are their indices.
    joined = revised[index].images + tuple(sorted(images, key=lambda image: image.id))
    revised[index] = dataclasses.replace(revised[index], images=joined)
  return Plan(tuple(revised))

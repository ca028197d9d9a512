"""Assigns images to splits and shards by hashes of stable names."""

from collections.abc import Collection, Iterable, Sequence
import dataclasses

from deblock.records.planning import hashing
from deblock.records.sources import source_image

# In this order: duplicates in two splits go to the earlier one.
SPLITS = ("train", "val", "test")


@dataclasses.dataclass(frozen=True)
class ShardPlan:
  """One shard file, and the images that it is made of.

  Attributes:
    split: one of SPLITS.
    index: number of the shard within its split and round, from 0.
    count: shards of the split in that round.
    images: in the order in which they are read; empty if all are duplicates.
    round: 0, or the number of the append that adds it, from 1.
  """

  split: str
  index: int
  count: int
  images: tuple[source_image.SourceImage, ...]
  round: int = 0

  @property
  def name(self) -> str:
    """The file name, in the pattern that TFDS reads; to TFDS an append is a split of its own."""
    split = f"{self.split}_{self.round}" if self.round else self.split
    return f"deblock-{split}.tfrecord-{self.index:05d}-of-{self.count:05d}"


@dataclasses.dataclass(frozen=True)
class Plan:
  """All shards, in the order of SPLITS, each split in the order of its indices."""

  shards: tuple[ShardPlan, ...]

  @property
  def images(self) -> tuple[source_image.SourceImage, ...]:
    """Every image, in the order of the shards."""
    return tuple(image for shard in self.shards for image in shard.images)


def assign_splits(
  images: Iterable[source_image.SourceImage],
  test_share: float,
  test_ids: Collection[str] | None = None,
  val_share: float = 0.0,
) -> dict[str, str]:
  """Returns the split, one of SPLITS, of each group of images.

  A group is test if the hash of its name, as a fraction, is below `test_share`, and val if it is in
  the next `val_share`. Adding an image therefore never moves another one, neither does another
  `val_share` move a test image, and the shares hold on average. One exception keeps small sets
  usable: an empty split whose share is neither 0 nor 1 gets the group whose hash is nearest, if
  there are enough groups.

  Args:
    images: to assign.
    test_share: in [0, 1]; 0 puts none into test, 1 all.
    test_ids: if given, replaces the share: these images and the rest of their groups are test.
    val_share: in [0, 1]; with `test_ids`, of the hashes of the groups that these do not name.
  Raises:
    ValueError: if a share or their sum is out of range, or a listed image does not exist.
  """
  check_shares(test_share, val_share, listed=test_ids is not None)
  images = tuple(images)
  if test_ids is not None:
    groups = {image.id: image.group for image in images}
    unknown = sorted(set(test_ids) - groups.keys())
    if unknown:
      raise ValueError(
        f"test_list names {len(unknown)} of {len(test_ids)} images that do not exist, such as "
        f"{unknown[0]!r}; ids look like {min(groups, default='')!r}."
      )
    test_groups = {groups[image] for image in test_ids}
    others = [image for image in images if image.group not in test_groups]
    return dict.fromkeys(test_groups, "test") | _fill(
      hashed(others, 0.0, val_share), 0.0, val_share
    )
  return _fill(hashed(images, test_share, val_share), test_share, val_share)


def hashed(
  images: Iterable[source_image.SourceImage], test_share: float, val_share: float
) -> dict[str, str]:
  """Returns the split of each group by its hash alone, as `assign_splits` does for large sets."""

  def split(fraction):
    if fraction < test_share:
      return "test"
    return "val" if fraction < test_share + val_share else "train"

  return {group: split(_fraction(group)) for group in {image.group for image in images}}


def check_shares(test_share: float, val_share: float, listed: bool = False) -> None:
  """Checks the shares of the splits.

  Args:
    test_share: of test.
    val_share: of val.
    listed: whether a list names the images of test, so that its share does not count.
  Raises:
    ValueError: if one is not in [0, 1], or both are more than 1 together.
  """
  for name, share in (("test_share", test_share), ("val_share", val_share)):
    if not 0 <= share <= 1:
      raise ValueError(f"{name} must be in [0, 1], got {share}.")
  if not listed and test_share + val_share > 1 + 1e-9:
    raise ValueError(
      f"test_share and val_share must be 1 or less together, got {test_share} and {val_share}."
    )


def _fraction(group):
  return hashing.fraction("split", group)


def _fill(splits, test_share, val_share):
  """Returns the splits with a group in each that has a share, where there are enough groups."""
  order = sorted(splits, key=lambda group: (_fraction(group), group))
  filled = dict(splits)
  if len(order) > 1 and 0 < test_share < 1:
    filled[order[0]] = "test"
  if len(order) > 1 and 0 < test_share + val_share < 1:
    filled[order[-1]] = "train"
  # The groups at both ends stay where they are needed.
  middle = order[1 if test_share else 0 : -1]
  if val_share and middle and "val" not in filled.values():
    center = test_share + val_share / 2
    filled[min(middle, key=lambda group: (abs(_fraction(group) - center), group))] = "val"
  return filled


def check_shards(shards: str) -> str:
  """Returns the number of shards after checking it.

  Raises:
    ValueError: if it is neither "auto" nor a positive number in digits.
  """
  if shards != "auto" and not (shards.isdecimal() and int(shards) > 0):
    raise ValueError(f'shards must be "auto" or a positive number, got {shards!r}.')
  return shards


def make_plan(
  images: Sequence[source_image.SourceImage],
  splits: dict[str, str],
  shards: dict[str, int],
  round: int = 0,
) -> Plan:
  """Returns the plan of a set of images: every image is in one shard.

  Within a split, chunks of images (a file is a chunk of one) are ordered by a hash and dealt out in
  turn. Shards differ by one chunk at most, and each is a fair sample.

  Args:
    images: with unique ids.
    splits: split of each group.
    shards: number of shards of each split; at most one for each chunk is used.
    round: of the shards.
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
    count = min(shards.get(split, 0), len(order))
    for index in range(count):
      dealt = (sorted(chunks[chunk], key=lambda image: image.id) for chunk in order[index::count])
      members = tuple(image for chunk in dealt for image in chunk)
      plans.append(ShardPlan(split, index, count, members, round))
  return Plan(tuple(plans))


def revise(
  plan: Plan, copies: Collection[str], moved: Collection[str], moved_to_val: Collection[str] = ()
) -> Plan:
  """Returns a plan without some images and with some groups in another split.

  No other image changes its shard, so all other shards stay the same.

  Args:
    plan: the first plan.
    copies: ids of images to leave out.
    moved: groups whose images go to training.
    moved_to_val: groups whose images go to val, unless they go to training.
  """
  copies = frozenset(copies)
  goals = {**dict.fromkeys(moved_to_val, "val"), **dict.fromkeys(moved, "train")}
  if not copies and not goals:
    return plan
  places: dict[str, list[int]] = {split: [] for split in SPLITS}
  for place, shard in enumerate(plan.shards):
    places[shard.split].append(place)
  arrivals: dict[int, list[source_image.SourceImage]] = {}
  revised = []
  for shard in plan.shards:
    staying = []
    for image in shard.images:
      if image.id in copies:
        continue
      goal = goals.get(image.group, shard.split)
      if goal != shard.split:
        place = hashing.stable_hash("shard", image.chunk) % len(places[goal])
        arrivals.setdefault(places[goal][place], []).append(image)
      else:
        staying.append(image)
    revised.append(dataclasses.replace(shard, images=tuple(staying)))
  for place, images in arrivals.items():
    joined = revised[place].images + tuple(sorted(images, key=lambda image: image.id))
    revised[place] = dataclasses.replace(revised[place], images=joined)
  return Plan(tuple(revised))

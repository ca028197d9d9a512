import collections

import pytest

from deblock.records import plan, sources


def _images(count, prefix="image"):
  names = [f"{prefix}-{number}.png" for number in range(count)]
  return tuple(sources.SourceImage(name, f"/photos/{name}", name) for name in names)


def test_the_hash_is_the_same_for_ever():
  assert plan.stable_hash("split", "astronaut") == 14844225135580248643
  assert plan.stable_hash("a", "bc") != plan.stable_hash("ab", "c")


def test_another_image_moves_none_that_was_there():
  few, many = _images(40), _images(60)
  before, after = plan.assign_splits(few, 0.25), plan.assign_splits(many, 0.25)
  assert all(after[image] == split for image, split in before.items())


def test_the_share_holds_on_average():
  splits = collections.Counter(plan.assign_splits(_images(2000), 0.2).values())
  assert 330 < splits["test"] < 470


def test_a_group_stays_together():
  images = tuple(sources.SourceImage(f"{n}.png", "", f"scene-{n // 4}") for n in range(80))
  splits = plan.assign_splits(images, 0.5)
  for start in range(0, 80, 4):
    assert len({splits[image.id] for image in images[start : start + 4]}) == 1
  assert set(splits.values()) == {"train", "test"}


@pytest.mark.parametrize("share", [0.001, 0.2, 0.999])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_no_split_of_two_groups_or_more_is_empty(share, count):
  for number in range(10):
    splits = plan.assign_splits(_images(count, f"set-{number}"), share)
    assert set(splits.values()) == {"train", "test"}


def test_none_and_all_are_taken_literally():
  assert set(plan.assign_splits(_images(9), 0).values()) == {"train"}
  assert set(plan.assign_splits(_images(9), 1).values()) == {"test"}


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_other_shares_are_refused(share):
  with pytest.raises(ValueError, match=rf"test_share must be in \[0, 1\], got {share}"):
    plan.assign_splits(_images(2), share)


@pytest.mark.parametrize(
  ("shards", "images", "count"),
  [
    ("auto", 1, 1),
    ("auto", 15, 1),
    ("auto", 16, 2),
    ("auto", 10**6, 1024),
    ("4", 9, 4),
    ("4", 2, 2),
  ],
)
def test_the_number_of_shards(shards, images, count):
  assert plan.shard_count(shards, images) == count


@pytest.mark.parametrize("shards", ["0", "-1", "many", "", "1.5"])
def test_other_numbers_of_shards_are_refused(shards):
  with pytest.raises(ValueError, match='shards must be "auto" or a positive number'):
    plan.shard_count(shards, 5)


@pytest.mark.parametrize("count", [1, 2, 7, 30])
@pytest.mark.parametrize("shards", ["auto", "1", "4"])
def test_every_image_stands_in_one_shard_and_no_shard_is_empty(count, shards):
  images = _images(count)
  made = plan.make_plan(images, 0.3, shards)
  assert sorted(image.id for image in made.images) == sorted(image.id for image in images)
  splits = plan.assign_splits(images, 0.3)
  for split in plan.SPLITS:
    sizes = [len(item.images) for item in made.shards if item.split == split]
    assert all(sizes)
    assert not sizes or max(sizes) - min(sizes) <= 1
  for item in made.shards:
    assert all(splits[image.id] == item.split for image in item.images)


def test_the_plan_does_not_depend_on_the_order_of_the_images():
  images = _images(20)
  assert plan.make_plan(images, 0.2, "3") == plan.make_plan(images[::-1], 0.2, "3")


def test_shards_are_named_as_tfds_wants():
  item = plan.make_plan(_images(8), 0, "4").shards[2]
  assert item.name == "deblock-train.tfrecord-00002-of-00004"


def test_two_images_of_one_id_are_refused():
  with pytest.raises(ValueError, match="ids must be unique, got 2 images with 1 ids"):
    plan.make_plan(_images(1) * 2, 0, "auto")

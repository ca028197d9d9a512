import collections
import dataclasses
import itertools

import pytest

from deblock.records.planning import plan
from deblock.records.sources import source_image


def _images(count, prefix="image"):
  names = [f"{prefix}-{number}.png" for number in range(count)]
  return tuple(source_image.SourceImage.alone(name, f"/photos/{name}") for name in names)


def _plan(images, test_share, shards):
  splits = plan.assign_splits(images, test_share)
  return plan.make_plan(images, splits, dict.fromkeys(plan.SPLITS, shards))


def test_another_image_moves_none_that_was_there():
  few, many = _images(40), _images(60)
  before, after = plan.assign_splits(few, 0.25), plan.assign_splits(many, 0.25)
  assert all(after[image] == split for image, split in before.items())


def test_the_share_holds_on_average():
  splits = collections.Counter(plan.assign_splits(_images(2000), 0.2).values())
  assert 330 < splits["test"] < 470


def test_val_has_its_share_and_moves_no_test_image():
  images = _images(2000)
  two, three = plan.assign_splits(images, 0.2), plan.assign_splits(images, 0.2, val_share=0.1)
  assert 140 < list(three.values()).count("val") < 260
  assert {image for image in two if two[image] == "test"} == {
    image for image in three if three[image] == "test"
  }
  assert plan.assign_splits(images[:900], 0.2, val_share=0.1).items() <= three.items()


@pytest.mark.parametrize("shares", [(0.2, 0.2), (0.001, 0.001), (0.9, 0.01), (0.0, 0.3)])
@pytest.mark.parametrize("count", [3, 5])
def test_no_split_of_three_groups_or_more_is_empty(shares, count):
  wanted = {"train", "val", "test"} if shares[0] else {"train", "val"}
  for number in range(10):
    images = _images(count, f"set-{number}")
    assert set(plan.assign_splits(images, shares[0], val_share=shares[1]).values()) == wanted


def test_val_takes_its_share_of_what_a_list_leaves():
  images = _images(50)
  splits = plan.assign_splits(images, 0.9, test_ids={"image-3.png"}, val_share=0.5)
  assert [name for name, split in splits.items() if split == "test"] == ["image-3.png"]
  assert 12 < list(splits.values()).count("val") < 38


def test_shares_of_more_than_everything_are_refused():
  with pytest.raises(ValueError, match=r"must be 1 or less together, got 0\.7 and 0\.4"):
    plan.assign_splits(_images(2), 0.7, val_share=0.4)
  with pytest.raises(ValueError, match=r"val_share must be in \[0, 1\], got -1"):
    plan.assign_splits(_images(2), 0.7, val_share=-1)


def test_a_group_stays_together():
  images = tuple(
    source_image.SourceImage(f"{n}.png", "", f"scene-{n // 4}", str(n)) for n in range(80)
  )
  splits = plan.assign_splits(images, 0.5)
  made = plan.make_plan(images, splits, {"train": 5, "test": 5})
  for item in made.shards:
    assert {splits[image.group] for image in item.images} == {item.split}
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


@pytest.mark.parametrize("shards", ["0", "-1", "many", "", "1.5"])
def test_other_numbers_of_shards_are_refused(shards):
  with pytest.raises(ValueError, match='shards must be "auto" or a positive number'):
    plan.check_shards(shards)


@pytest.mark.parametrize("count", [1, 2, 7, 30])
@pytest.mark.parametrize("shards", [1, 4])
def test_every_image_stands_in_one_shard_and_no_shard_is_empty(count, shards):
  images = _images(count)
  made = _plan(images, 0.3, shards)
  assert sorted(image.id for image in made.images) == sorted(image.id for image in images)
  splits = plan.assign_splits(images, 0.3)
  for split in plan.SPLITS:
    sizes = [len(item.images) for item in made.shards if item.split == split]
    assert all(sizes)
    assert not sizes or max(sizes) - min(sizes) <= 1
  for item in made.shards:
    assert all(splits[image.group] == item.split for image in item.images)


def test_the_plan_does_not_depend_on_the_order_of_the_images():
  images = _images(20)
  assert _plan(images, 0.2, 3) == _plan(images[::-1], 0.2, 3)


def test_images_of_one_chunk_are_read_together():
  images = tuple(
    source_image.SourceImage(f"{n:03d}", "", f"{n:03d}", f"chunk-{n // 10}") for n in range(200)
  )
  made = _plan(images, 0.3, 4)
  for item in made.shards:
    chunks = [image.chunk for image in item.images]
    runs = [chunk for chunk, _ in itertools.groupby(chunks)]
    assert len(runs) == len(set(chunks))
  for split in plan.SPLITS:
    homes = collections.defaultdict(set)
    for item in made.shards:
      if item.split == split:
        for image in item.images:
          homes[image.chunk].add(item.index)
    assert all(len(indices) == 1 for indices in homes.values())


def test_a_list_decides_the_split_of_whole_groups():
  images = (
    source_image.SourceImage("left", "", "pair", "left"),
    source_image.SourceImage("right", "", "pair", "right"),
    source_image.SourceImage.alone("other", ""),
  )
  splits = plan.assign_splits(images, 0.5, test_ids={"left"})
  assert splits == {"pair": "test", "other": "train"}


def test_a_listed_image_that_is_not_there_is_named():
  message = r"test_list names 1 of 2 images that do not exist, such as 'none.png'; ids look like"
  with pytest.raises(ValueError, match=message):
    plan.assign_splits(_images(3), 0.2, test_ids={"none.png", "image-1.png"})


def test_revising_leaves_out_copies_and_moves_groups_and_nothing_else():
  images = _images(60)
  draft = _plan(images, 0.4, 4)
  train = [image for item in draft.shards if item.split == "train" for image in item.images]
  test = [image for item in draft.shards if item.split == "test" for image in item.images]
  copies, moved = {train[0].id, test[0].id}, {test[1].group, test[2].group}
  revised = plan.revise(draft, copies, moved)
  assert [item.name for item in revised.shards] == [item.name for item in draft.shards]
  before = {image.id: item.name for item in draft.shards for image in item.images}
  after = {image.id: item.name for item in revised.shards for image in item.images}
  assert before.keys() - after.keys() == copies
  changed = {image for image in after if before[image] != after[image]}
  assert changed == {test[1].id, test[2].id}
  assert all("-train." in after[image] for image in changed)


def test_revising_moves_to_val_too_unless_training_calls():
  images = _images(60)
  splits = plan.assign_splits(images, 0.4, val_share=0.3)
  draft = plan.make_plan(images, splits, dict.fromkeys(plan.SPLITS, 3))
  one, other = [group for group, split in sorted(splits.items()) if split == "test"][:2]
  revised = plan.revise(draft, (), {other}, {one, other})
  after = {image.id: item.split for item in revised.shards for image in item.images}
  assert after == {**splits, one: "val", other: "train"}


def test_revising_by_nothing_changes_nothing():
  draft = _plan(_images(9), 0.3, 2)
  assert plan.revise(draft, (), ()) is draft


def test_shards_are_named_as_tfds_wants():
  item = _plan(_images(8), 0, 4).shards[2]
  assert item.name == "deblock-train.tfrecord-00002-of-00004"
  appended = dataclasses.replace(item, round=3)
  assert appended.name == "deblock-train_3.tfrecord-00002-of-00004"


def test_two_images_of_one_id_are_refused():
  with pytest.raises(ValueError, match="ids must be unique, got 2 images with 1 ids"):
    _plan(_images(1) * 2, 0, 1)

import dataclasses
import itertools
import random

import pytest

from deblock.records.planning import duplicates, hamming


def _imprint(name, split, bits=None, group=None, digest=None):
  return duplicates.Imprint(name, group or name, split, digest or f"pixels of {name}", bits)


def _flipped(bits, count, rng):
  for bit in rng.sample(range(64), count):
    bits ^= 1 << bit
  return bits


def _random_set(seed, images=60):
  """Returns images in groups of several sizes, with copies and families of close hashes."""
  rng = random.Random(seed)
  splits = {f"group-{n}": rng.choice(("train", "test", "test")) for n in range(images // 2)}
  families = [rng.getrandbits(64) for _ in range(images // 6)]
  imprints = []
  for number in range(images):
    group = rng.choice(sorted(splits))
    bits = _flipped(rng.choice(families), rng.randrange(14), rng)
    digest = f"pixels-{number}"
    if imprints and rng.random() < 0.2:
      twin = rng.choice(imprints)
      digest, bits = twin.digest, twin.hash
    elif rng.random() < 0.1:
      bits = None
    imprints.append(_imprint(f"image-{number:03d}", splits[group], bits, group, digest))
  rng.shuffle(imprints)
  return imprints


def _is_near(one, other, near_bits):
  if None in (one.hash, other.hash):
    return False
  return (one.hash ^ other.hash).bit_count() <= near_bits


def _by_brute_force(imprints, near_bits):
  """The rules once more, with sets, all pairs and nothing clever."""
  imprints = sorted(imprints, key=lambda image: image.id)
  kept = [
    image
    for image in imprints
    if image.id == min(other.id for other in imprints if other.digest == image.digest)
  ]
  owner = {image.digest: image for image in kept}
  copies = [(image.id, owner[image.digest].id) for image in imprints if image not in kept]
  train = {image.group for image in kept if image.split == "train"}
  tied = {}
  for image in imprints:
    tied.setdefault(image.group, set()).add(owner[image.digest].group)
  near = {}

  def draw():
    while grown := {group for place in tied.values() if place & train for group in place} - train:
      train.update(grown)

  draw()
  new = [image for image in kept if image.group in train]
  while new:
    left = [image for image in kept if image.group not in train]
    for image in left:
      found = [
        ((image.hash ^ other.hash).bit_count(), other.id)
        for other in new
        if _is_near(image, other, near_bits)
      ]
      if found:
        near[image.id] = min(found)
        train.add(image.group)
    draw()
    new = [image for image in left if image.group in train]
  moved = {image.group for image in kept if image.split == "test" and image.group in train}
  return (
    copies,
    [(name, of, distance) for name, (distance, of) in sorted(near.items())],
    sorted(moved),
  )


def _plain(findings):
  return (
    [(copy.id, copy.of) for copy in findings.copies],
    [(near.id, near.of, near.distance) for near in findings.near],
    list(findings.moved),
  )


@pytest.mark.parametrize("near_bits", [-1, 0, 1, 4, 6, 9, 16])
@pytest.mark.parametrize("seed", range(12))
def test_the_findings_are_those_of_brute_force(seed, near_bits):
  imprints = _random_set(seed)
  assert _plain(duplicates.find(imprints, near_bits)) == _by_brute_force(imprints, near_bits)


@pytest.mark.parametrize("near_bits", [-1, 0, 6])
@pytest.mark.parametrize("seed", range(12))
def test_afterwards_nothing_stands_on_both_sides(seed, near_bits):
  imprints = _random_set(seed, images=120)
  findings = duplicates.find(imprints, near_bits)
  dropped = {copy.id for copy in findings.copies}
  split = {
    image.id: "train" if image.group in findings.moved else image.split for image in imprints
  }
  kept = {image.digest: image for image in imprints if image.id not in dropped}
  assert len(kept) == len(imprints) - len(dropped)
  # Neither look-alikes …
  for one, other in itertools.combinations(kept.values(), 2):
    if _is_near(one, other, near_bits):
      assert split[one.id] == split[other.id]
  # … nor the pixels of one group, wherever they are kept.
  sides = {}
  for image in imprints:
    sides.setdefault(image.group, set()).add(split[kept[image.digest].id])
  assert all(len(side) == 1 for side in sides.values())


@pytest.mark.parametrize("seed", range(6))
def test_a_second_look_finds_nothing(seed):
  imprints = _random_set(seed)
  findings = duplicates.find(imprints, 6)
  dropped = {copy.id for copy in findings.copies}
  left = [
    duplicates.Imprint(
      image.id,
      image.group,
      "train" if image.group in findings.moved else image.split,
      image.digest,
      image.hash,
    )
    for image in imprints
    if image.id not in dropped
  ]
  assert duplicates.find(left, 6) == duplicates.Findings((), (), ())


def test_the_order_of_the_images_is_of_no_consequence():
  imprints = _random_set(7)
  expected = duplicates.find(imprints, 8)
  assert expected.copies and expected.near and expected.moved
  for seed in range(5):
    random.Random(seed).shuffle(imprints)
    assert duplicates.find(imprints, 8) == expected


def test_the_smallest_id_of_equal_pixels_stays():
  imprints = [_imprint(name, "train", digest="same") for name in ("b", "c", "a")]
  copies = (duplicates.Copy("b", of="a"), duplicates.Copy("c", of="a"))
  assert duplicates.find(imprints, 6) == duplicates.Findings(copies, (), ())


def test_a_lone_copy_in_train_leaves_the_original_in_test():
  imprints = [_imprint("a", "test", digest="same"), _imprint("b", "train", digest="same")]
  assert duplicates.find(imprints, -1).moved == ()


def test_the_scene_of_a_copy_in_train_draws_the_original_out_of_test():
  imprints = [
    _imprint("a", "test", digest="same"),
    _imprint("b", "train", group="scene", digest="same"),
    _imprint("c", "train", group="scene"),
  ]
  assert duplicates.find(imprints, -1).moved == ("a",)


def test_the_scene_of_a_copy_in_test_follows_the_original_to_train():
  imprints = [
    _imprint("a", "train", digest="same"),
    _imprint("b", "test", group="scene", digest="same"),
    _imprint("c", "test", group="scene"),
  ]
  assert duplicates.find(imprints, -1).moved == ("scene",)


def test_a_group_of_copies_alone_ties_their_originals():
  imprints = [
    _imprint("a", "train", digest="one"),
    _imprint("b", "test", digest="two"),
    _imprint("c", "test", group="copies", digest="one"),
    _imprint("d", "test", group="copies", digest="two"),
  ]
  findings = duplicates.find(imprints, -1)
  # The group of copies keeps no image: there is nothing of it to move.
  assert findings.moved == ("b",)


def test_a_look_alike_moves_its_whole_group_and_that_attracts_another():
  imprints = [
    _imprint("train", "train", 0),
    _imprint("near", "test", 0b11, group="scene"),
    _imprint("beside", "test", 0xFFFF << 32, group="scene"),
    _imprint("near-beside", "test", 0x7FFF << 32),
    _imprint("far", "test", 2**64 - 1),
  ]
  findings = duplicates.find(imprints, 2)
  assert findings.moved == ("near-beside", "scene")
  assert findings.near == (
    duplicates.Near("near", of="train", distance=2),
    duplicates.Near("near-beside", of="beside", distance=1),
  )
  assert duplicates.find(imprints, -1) == duplicates.Findings((), (), ())


def test_a_look_alike_goes_to_the_earliest_split_of_three():
  imprints = [
    _imprint("train", "train", 0),
    _imprint("val", "val", 0xFF << 8),
    _imprint("val-near-train", "val", 0b1),
    _imprint("test-near-val", "test", 0xFE << 8),
    _imprint("test-near-moved", "test", 0b11),
    _imprint("test-of-val", "test", 0xFF << 20, digest="same"),
    _imprint("a-copy", "val", 0xFF << 20, group="val", digest="same"),
    _imprint("far", "test", 2**64 - 1),
  ]
  findings = duplicates.find(imprints, 1)
  assert findings.moved == ("test-near-moved", "val-near-train")
  assert findings.moved_to_val == ("test-near-val",)
  assert findings.copies == (duplicates.Copy("test-of-val", "a-copy"),)
  assert findings.near == (
    duplicates.Near("test-near-moved", of="val-near-train", distance=1),
    duplicates.Near("test-near-val", of="val", distance=1),
    duplicates.Near("val-near-train", of="train", distance=1),
  )


def test_three_splits_end_as_a_look_at_two_after_the_other():
  moved_to_val = 0
  for seed in range(6):
    rng = random.Random(seed)
    splits = {}
    imprints = []
    for image in _random_set(seed, images=120):
      split = splits.setdefault(image.group, rng.choice(("train", *4 * ("val",), *8 * ("test",))))
      imprints.append(dataclasses.replace(image, split=split))
    findings = duplicates.find(imprints, 2)
    moved_to_val += len(findings.moved_to_val)
    dropped = {copy.id for copy in findings.copies}
    splits |= dict.fromkeys(findings.moved_to_val, "val") | dict.fromkeys(findings.moved, "train")
    kept = [image for image in imprints if image.id not in dropped]
    for one, other in itertools.combinations(kept, 2):
      if _is_near(one, other, 2):
        assert splits[one.group] == splits[other.group]
    merged = [
      dataclasses.replace(image, split="train" if image.split == "train" else "test")
      for image in imprints
    ]
    assert duplicates.find(merged, 2).moved == findings.moved
  assert moved_to_val


def test_of_equally_near_images_the_smallest_id_is_named():
  imprints = [
    _imprint("d", "train", 0b0),
    _imprint("b", "train", 0b110),
    _imprint("c", "train", 0b011),
    _imprint("a", "train", 0b11111),
    _imprint("e", "test", 0b010),
  ]
  assert duplicates.find(imprints, 6).near == (duplicates.Near("e", of="b", distance=1),)


def test_look_alikes_within_one_split_are_no_harm():
  imprints = [_imprint("a", "train", 1), _imprint("b", "train", 1)]
  imprints += [_imprint("c", "test", 2**63 + 6), _imprint("d", "test", 2**63 + 7)]
  assert duplicates.find(imprints, 1) == duplicates.Findings((), (), ())


@pytest.mark.parametrize("near_bits", [-1, 0, 16])
def test_images_without_a_hash_resemble_nothing(near_bits):
  imprints = [_imprint(f"{n}", ("train", "test")[n % 2], None) for n in range(50)]
  # As a number their lack of a hash must not be taken for 0.
  imprints.append(_imprint("zero", "test", 0))
  assert duplicates.find(imprints, near_bits) == duplicates.Findings((), (), ())


@pytest.mark.parametrize("imprints", [[], [_imprint("a", "test", 5)], [_imprint("a", "train", 5)]])
def test_small_sets_hold_nothing(imprints):
  assert duplicates.find(imprints, 16) == duplicates.Findings((), (), ())


def test_thousands_of_equal_hashes_are_found_at_once():
  imprints = [_imprint(f"{n:05d}", "train" if n % 10 else "test", 2**63 + 1) for n in range(20_000)]
  findings = duplicates.find(imprints, 6)
  assert len(findings.near) == len(findings.moved) == 2000
  assert all(near.of == "00001" and near.distance == 0 for near in findings.near)


def test_a_crowd_is_compared_in_parts(monkeypatch):
  rng = random.Random(3)
  imprints = [
    _imprint(f"{n:03d}", rng.choice(("train", "test")), _flipped(2**40, rng.randrange(4), rng))
    for n in range(300)
  ]
  expected = duplicates.find(imprints, 4)
  assert len(expected.near) > 100
  # Far fewer than one value of a band has entries.
  monkeypatch.setattr(hamming, "_CHUNK", 7)
  assert duplicates.find(imprints, 4) == expected


def test_a_long_chain_is_followed_to_its_end():
  rng = random.Random(4)
  bits = [rng.getrandbits(64)]
  while len(bits) < 500:
    bits.append(_flipped(bits[-1], 3, rng))
  imprints = [_imprint(f"{n:03d}", "test" if n else "train", bits[n]) for n in range(500)]
  assert len(duplicates.find(imprints, 3).moved) == 499


@pytest.mark.parametrize("near_bits", [0, 3, 8])
def test_planted_look_alikes_among_many_images_are_found(near_bits):
  rng = random.Random(near_bits)
  bits = [rng.getrandbits(64) for _ in range(20_000)]
  planted = {f"test-{n:03d}": f"train-{rng.randrange(20_000):05d}" for n in range(200)}
  imprints = [_imprint(f"train-{n:05d}", "train", bits[n]) for n in range(20_000)]
  for name, of in planted.items():
    imprints.append(_imprint(name, "test", _flipped(bits[int(of[6:])], near_bits, rng)))
  assert hamming.choose_bands(near_bits, 20_000, 200) != ((0, 0, 0),)
  findings = duplicates.find(imprints, near_bits)
  assert {near.id: near.of for near in findings.near} == planted
  assert {near.distance for near in findings.near} == {near_bits}


@pytest.mark.parametrize("near_bits", [-2, 17, 64])
def test_other_numbers_of_bits_are_refused(near_bits):
  with pytest.raises(ValueError, match=rf"near_bits must be in \[-1, 16\].* got {near_bits}\."):
    duplicates.find([], near_bits)


def test_what_the_caller_must_promise_is_checked():
  with pytest.raises(ValueError, match="split must be one of train, val, test, got 'valid' of a"):
    duplicates.find([_imprint("a", "valid")], 6)
  with pytest.raises(ValueError, match="ids must be unique, got a twice"):
    duplicates.find([_imprint("a", "train"), _imprint("a", "train")], 6)
  with pytest.raises(ValueError, match="a group must be in one split, got two for scene"):
    duplicates.find(
      [_imprint("a", "train", group="scene"), _imprint("b", "test", group="scene")], 6
    )

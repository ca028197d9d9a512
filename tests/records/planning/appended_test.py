import itertools
import random

import pytest

from deblock.records.planning import appended, duplicates, plan


def _imprint(name, split, bits=None, group=None, digest=None):
  return duplicates.Imprint(name, group or name, split, digest or f"pixels of {name}", bits)


OLD = (
  _imprint("old-train", "train", 0),
  _imprint("old-val", "val", 0xFF << 10),
  _imprint("old-test", "test", 0xFF << 40),
)


def test_pixels_of_the_records_are_left_out_in_every_split():
  new = [
    _imprint("a", "train", digest="pixels of old-test"),
    _imprint("b", "test", digest="pixels of old-train"),
    _imprint("c", "train", digest="pixels of c"),
  ]
  findings = appended.find(OLD, new, 6)
  assert findings.copies == (
    duplicates.Copy("a", "old-test", duplicates.EQUAL),
    duplicates.Copy("b", "old-train", duplicates.EQUAL),
  )
  assert not findings.near and not findings.moved


def test_look_alikes_of_another_split_are_left_out_and_of_their_own_kept():
  new = [
    _imprint("train-like-test", "train", 0xFE << 40),
    _imprint("train-like-train", "train", 1),
    _imprint("test-like-test", "test", 0xFE << 40),
    _imprint("test-like-train", "test", 0b11),
    _imprint("val-like-test", "val", 0xFF << 40),
  ]
  findings = appended.find(OLD, new, 2)
  assert findings.copies == (
    duplicates.Copy("test-like-train", "old-train", 2),
    duplicates.Copy("train-like-test", "old-test", 1),
    duplicates.Copy("val-like-test", "old-test", 0),
  )
  # The test image would follow the one in train if that stayed.
  assert not findings.moved and not findings.moved_to_val
  assert appended.find(OLD, [], 2) == duplicates.Findings((), (), ())


def test_a_move_away_from_old_look_alikes_leaves_out_what_would_move():
  new = [_imprint("link", "train", 0xFF << 44), _imprint("tied", "test", 0xFF << 42)]
  old = [_imprint("old-test", "test", 0xFF << 40)]
  # "link" is 8 bits from the old image, "tied" 4 from both.
  findings = appended.find(old, new, 4)
  assert findings.copies == (duplicates.Copy("tied", "old-test", 4),)
  assert not findings.moved


@pytest.mark.parametrize("near_bits", [-1, 0, 5])
@pytest.mark.parametrize("seed", range(8))
def test_afterwards_nothing_resembles_an_image_of_another_split(seed, near_bits):
  rng = random.Random(seed)
  families = [rng.getrandbits(64) for _ in range(12)]

  def images(prefix, count):
    splits = {f"{prefix}-group-{n}": rng.choice(plan.SPLITS) for n in range(count // 2)}
    found = []
    for n in range(count):
      bits = rng.choice(families)
      for bit in rng.sample(range(64), rng.randrange(5)):
        bits ^= 1 << bit
      group = rng.choice(sorted(splits))
      found.append(_imprint(f"{prefix}-{n:02d}", splits[group], bits, group))
    return found

  first = images("old", 40)
  moves = duplicates.find(first, near_bits)
  final = {image.group: image.split for image in first}
  final |= dict.fromkeys(moves.moved_to_val, "val") | dict.fromkeys(moves.moved, "train")
  old = [_imprint(i.id, final[i.group], i.hash, i.group, i.digest) for i in first]
  new = images("new", 40)
  new += [_imprint(f"new-copy-{i.id}", "train", i.hash, digest=i.digest) for i in old[:4]]
  rng.shuffle(new)
  findings = appended.find(old, new, near_bits)
  assert appended.find(old, new[::-1], near_bits) == findings
  dropped = {copy.id for copy in findings.copies}
  assert dropped >= {f"new-copy-{image.id}" for image in old[:4]}
  split = {image.group: image.split for image in new}
  split |= dict.fromkeys(findings.moved_to_val, "val") | dict.fromkeys(findings.moved, "train")
  split |= {image.group: image.split for image in old}
  kept = [image for image in new if image.id not in dropped]
  for one, other in itertools.chain(itertools.product(kept, old), itertools.combinations(kept, 2)):
    if (one.hash ^ other.hash).bit_count() <= near_bits:
      assert split[one.group] == split[other.group]
  # Nothing was left out for another reason than a likeness of it or of its group.
  by_id = {image.id: image for image in (*old, *new)}
  for copy in findings.copies:
    if copy.distance >= 0:
      mates = [image for image in new if image.group == by_id[copy.id].group]
      assert copy.distance in {(by_id[copy.of].hash ^ mate.hash).bit_count() for mate in mates}

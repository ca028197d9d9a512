"""Finds the duplicates of images that are added to records, whose own images stay as they are."""

from collections.abc import Iterator, Sequence
import dataclasses

import numpy as np

from deblock.records.planning import duplicates, hamming, plan


def find(
  old: Sequence[duplicates.Imprint], new: Sequence[duplicates.Imprint], near_bits: int
) -> duplicates.Findings:
  """Returns the new images to leave out, and the new groups that must move to an earlier split.

  1. A new image with the pixels of an old one is left out.
  2. A group with an image that has the pixels of an old one in another split, or is within
     `near_bits` of it, is left out: old images never move.
  3. Among the others, `duplicates.find` leaves out copies and moves groups. Where that moves a
     group away from old images that it resembles, it is left out, and this repeats.

  Args:
    old: imprints of the images of the records, in their final splits.
    new: imprints of the images to add, with other ids.
    near_bits: most differing bits of a near-duplicate; -1 finds exact copies only.
  Returns:
    Findings whose `copies` are all images to leave out, with the images that they resemble. For
    others of a group, it is the one that the first of the group resembles.
  Raises:
    ValueError: as `duplicates.find` does.
  """
  duplicates.check_near_bits(near_bits)
  new = sorted(new, key=lambda image: image.id)
  known = {image.digest: image for image in old if image.digest}
  copies = [
    (image, known[image.digest], duplicates.EQUAL) for image in new if image.digest in known
  ]
  resembling = [*copies, *(_resembling(old, new, near_bits) if near_bits >= 0 else ())]
  own = {image.id: (of.id, distance) for image, of, distance in reversed(resembling)}
  out = {image.id: duplicates.Copy(image.id, of.id) for image, of, _ in copies}
  found = duplicates.Findings((), (), ())
  while True:
    rest = [image for image in new if image.id not in out]
    split = {image.group: image.split for image in rest}
    split |= dict.fromkeys(found.moved_to_val, "val") | dict.fromkeys(found.moved, "train")
    reasons: dict[str, tuple[str, int]] = {}
    for image, of, distance in resembling:
      if split.get(image.group, of.split) != of.split:
        reasons.setdefault(image.group, (of.id, max(distance, 0)))
    leaving = [image for image in rest if image.group in reasons]
    for image in leaving:
      out[image.id] = duplicates.Copy(image.id, *own.get(image.id, reasons[image.group]))
    again = duplicates.find([image for image in rest if image not in leaving], near_bits)
    if again == found:
      listed = sorted((*out.values(), *found.copies), key=lambda copy: copy.id)
      return dataclasses.replace(found, copies=tuple(listed))
    found = again


def _resembling(
  old: Sequence[duplicates.Imprint], new: Sequence[duplicates.Imprint], near_bits: int
) -> Iterator[tuple[duplicates.Imprint, duplicates.Imprint, int]]:
  """Yields new images with the nearest old one of each split within reach, and the distance."""
  seen = [image for image in new if image.hash is not None]
  hashes = np.array([image.hash for image in seen], np.uint64)
  for split in plan.SPLITS:
    near = [image for image in old if image.split == split and image.hash is not None]
    near.sort(key=lambda image: image.id)
    if not near or not seen:
      continue
    bands = tuple(hamming.bands(hashes, near_bits, len(near)))
    queries = np.array([image.hash for image in near], np.uint64)
    found = hamming.nearest(bands, len(hashes), queries, near_bits)
    for image, value in zip(seen, found, strict=True):
      if value != hamming.NONE:
        yield image, near[int(value) & 0xFFFFFFFF], int(value) >> 32

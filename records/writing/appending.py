"""Adds new images to a finished folder, whose shards stay as they are."""

from deblock.records.layout import manifest
from deblock.records.planning import appended, plan
from deblock.records.writing import duplicates_file, passes


def append(job: passes.Job) -> manifest.Manifest:
  """Writes the images that a finished folder lacks as new shards, and returns the new manifest.

  The shards of the folder are not touched, and its images stay in their splits. Its manifest is
  replaced at the end: until then readers find the folder as it was, also if this is interrupted.
  The same call then resumes. The new bytes depend on the images, the settings and the old manifest
  alone. Without new images nothing is done.

  New are images whose id the manifest does not have, and those that could not be used before.
  Their hashes decide their splits. `appended.find` says what is left out.

  The caller has compared the settings, and holds the lock.

  Raises:
    FileNotFoundError: if the folder is not finished, or there are no images.
    ValueError: if a shard of the folder is missing or damaged, or too many images are unusable.
  """
  config = job.config
  before = manifest.load(config.records)
  images = _new(job, before)
  if not images:
    return before
  # A list has named its images already: no new one is test.
  test_share = 0.0 if config.test_list else config.test_share
  splits = plan.hashed(images, test_share, config.val_share)
  splits |= {image.group: image.split for image in before.images if image.group in splits}
  draft, workers = passes.draft(job, images, splits, before.appends + 1)
  old = duplicates_file.imprints(before.images)

  def find(new):
    return appended.find(old, new, config.near_duplicate_bits)

  names = [entry.file for entries in before.splits.values() for entry in entries]
  return passes.save(passes.write(job, draft, workers, find, names), job, before)


def _new(job, before):
  listed = job.source.list()
  known = {entry.id for entries in (before.images, before.copies) for entry in entries}
  skipped = {entry.id for entry in before.skipped}
  mended = passes.usable([image for image in listed if image.id in skipped], job)
  known |= skipped - {image.id for image in mended}
  return tuple(image for image in listed if image.id not in known)

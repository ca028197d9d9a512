"""Writes the shards of a plan, as often as duplicates that are found in them change it."""

from collections.abc import Callable, Collection, Sequence
import dataclasses
from typing import Any, NamedTuple

from deblock.records import harmless
from deblock.records.layout import manifest
from deblock.records.planning import config as config_lib
from deblock.records.planning import cutting, duplicates, estimate, plan
from deblock.records.sources import opening, source_image
from deblock.records.writing import duplicates_file, folder, progress, running, shard

_NAMED_IMAGES = 5


class Written(NamedTuple):
  """The final plan, the result of each of its shards, and the duplicates that it is without."""

  final: plan.Plan
  results: tuple[shard.ShardResult, ...]
  found: duplicates.Findings


@dataclasses.dataclass(frozen=True)
class Job:
  """How shards are written, whatever their plan.

  Attributes:
    config: of the records, with absolute paths.
    source: of the images.
    pipeline_options: Beam's PipelineOptions, to use another runner than local processes.
    on_progress: see `progress.watch`.
  """

  config: config_lib.RecordsConfig
  source: opening.Source
  pipeline_options: Any = None
  on_progress: Callable[[progress.Progress], None] | None = None


def draft(
  job: Job, images: Sequence[source_image.SourceImage], splits: dict[str, str], round: int = 0
) -> tuple[plan.Plan, int]:
  """Returns the first plan of images, and how many processes write it.

  Args:
    job: to do.
    images: at least one.
    splits: split of each group.
    round: of the shards, see `plan.ShardPlan`.
  """
  total_bytes = estimate.size_bytes(job.source, images, job.config)
  counts = {}
  for split in plan.SPLITS:
    number = sum(splits[image.group] == split for image in images)
    counts[split] = estimate.shard_count(total_bytes * number / len(images), number, job.config)
  made = plan.make_plan(images, splits, counts, round)
  return made, running.worker_count(job.config.workers, len(made.shards), total_bytes)


def write(
  job: Job,
  draft: plan.Plan,
  workers: int,
  find: Callable[[list[duplicates.Imprint]], duplicates.Findings],
  keep: Collection[str] = (),
) -> Written:
  """Writes the shards of a plan that are not finished, and the plan again without duplicates.

  The caller holds the lock of the folder.

  Args:
    job: to do.
    draft: the first plan.
    workers: number of local processes.
    find: from the imprints of all images of a plan to their duplicates.
    keep: names of shards that are no part of the plan; all other ones are removed.
  """
  config = job.config
  found = duplicates_file.load(config.records, draft, config)
  while True:
    final = plan.revise(draft, [copy.id for copy in found.copies], found.moved, found.moved_to_val)
    folder.remove_leftovers(config.records, {*keep, *_final_names(final.shards, job)})
    results = running.run(final.shards, config, workers, job.pipeline_options, job.on_progress)
    more = find(duplicates_file.imprints(image for result in results for image in result.images))
    if not (more.copies or more.moved or more.moved_to_val):
      return Written(final, results, found)
    found = duplicates_file.union(found, more)
    duplicates_file.save(config.records, draft, config, found)


def save(written: Written, job: Job, before: manifest.Manifest | None = None) -> manifest.Manifest:
  """Writes the manifest of shards, and TFDS's files before it, and returns it.

  Args:
    written: the shards.
    job: that wrote them.
    before: the manifest of the shards that they are added to.
  Raises:
    ValueError: if more images than `max_bad_fraction` allows, or all, are unusable.
  """
  config, found = job.config, written.found
  old = before or manifest.Manifest(config.settings, {}, (), ())
  splits = {name: old.splits.get(name, ()) for name in plan.SPLITS}
  for item, result in zip(written.final.shards, written.results, strict=True):
    splits[item.split] += (result.shard,)
  used = [image for result in written.results for image in result.images]
  skipped = {bad.id: bad for result in written.results for bad in result.skipped}
  names = skipped.keys() | {image.id for image in used} | {copy.id for copy in found.copies}
  made = manifest.Manifest(
    settings=config.settings,
    splits={name: shards for name, shards in splits.items() if shards},
    images=_by_id((*old.images, *used)),
    # One that was skipped then, and can be used now, is no longer listed.
    skipped=_by_id((*(bad for bad in old.skipped if bad.id not in names), *skipped.values())),
    copies=_by_id(
      (
        *old.copies,
        *(manifest.CopyEntry(copy.id, copy.of, copy.distance) for copy in found.copies),
      )
    ),
    near=_by_id(
      (*old.near, *(manifest.NearEntry(near.id, near.of, near.distance) for near in found.near))
    ),
    folder=config.records,
  )
  _check_share(made, config)
  manifest.save_for_tfds(config.records, made)
  manifest.save(config.records, made)
  return made


def _final_names(shards, job):
  """Returns the names of finished shards whose skipped images are still unusable."""
  names = set()
  for item in shards:
    result = shard.finished(item, job.config, job.config.records)
    if result is None:
      continue
    skipped = {bad.id for bad in result.skipped}
    again = [image for image in item.images if image.id in skipped]
    if not usable(again, job):
      names.add(item.name)
  return names


def usable(
  images: Sequence[source_image.SourceImage], job: Job
) -> tuple[source_image.SourceImage, ...]:
  """Returns those of some images that can be used now, after reading all of them."""
  found = job.source.read(images)
  return tuple(image for image, picture in found if cutting.is_usable(picture, job.config))


def _by_id(entries):
  return tuple(sorted(entries, key=lambda entry: entry.id))


def _check_share(made, config):
  skipped, used = made.skipped, len(made.images) + len(made.copies)
  total = len(skipped) + used
  if not skipped or (used and len(skipped) / total <= config.max_bad_fraction):
    return
  if used:
    rule = f"more than max_bad_fraction={config.max_bad_fraction} allows"
  else:
    rule = "so there is nothing to write"
  named = _named([harmless.printable(f"{bad.path}: {bad.reason}") for bad in skipped])
  raise ValueError(f"{len(skipped)} of {total} images cannot be used, {rule}:{named}")


def _named(lines: Sequence[str]) -> str:
  """Returns the first few lines, one a line, and how many more there are."""
  more = len(lines) - _NAMED_IMAGES
  named = [*lines[:_NAMED_IMAGES], *([f"and {more} more"] if more > 0 else [])]
  return "".join(f"\n  {line}" for line in named)

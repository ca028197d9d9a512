"""The duplicates among the images of a plan, stored so that an interrupted run can resume."""

from collections.abc import Iterable
import dataclasses
import hashlib
import json
import posixpath

from deblock.records.layout import files, manifest
from deblock.records.planning import config as config_lib
from deblock.records.planning import duplicates, plan
from deblock.records.writing import shard

NAME = "duplicates.json"


@dataclasses.dataclass(frozen=True)
class _Stored(duplicates.Findings):
  """What the file holds: the duplicates, and a digest of the plan in which they were found."""

  plan: str = ""


def imprints(images: Iterable[manifest.ImageEntry]) -> list[duplicates.Imprint]:
  """Returns the facts about images of finished shards that decide which ones are duplicates."""
  return [
    duplicates.Imprint(
      id=image.id,
      group=image.group,
      split=image.split,
      digest=image.digest,
      hash=int(image.hash, 16) if image.hash else None,
    )
    for image in images
  ]


def union(first: duplicates.Findings, second: duplicates.Findings) -> duplicates.Findings:
  """Returns the duplicates of two passes together; the second pass used a revised plan."""
  return duplicates.Findings(
    copies=tuple(sorted(first.copies + second.copies, key=lambda copy: copy.id)),
    near=tuple(sorted(first.near + second.near, key=lambda near: near.id)),
    moved=tuple(sorted({*first.moved, *second.moved})),
    moved_to_val=tuple(sorted({*first.moved_to_val, *second.moved_to_val})),
  )


def save(
  folder: str,
  draft: plan.Plan,
  config: config_lib.RecordsConfig,
  found: duplicates.Findings,
) -> None:
  """Stores the duplicates of a first plan in the folder of sidecars."""
  content = {"plan": _digest(draft, config), **dataclasses.asdict(found)}
  files.write_text(_path(folder), json.dumps(content, indent=1) + "\n")


def load(folder: str, draft: plan.Plan, config: config_lib.RecordsConfig) -> duplicates.Findings:
  """Returns the duplicates that were stored for that first plan, or none."""
  try:
    stored = files.read_json(_Stored, _path(folder), manifest.MOST_BYTES)
    if stored.plan == _digest(draft, config):
      return duplicates.Findings(stored.copies, stored.near, stored.moved, stored.moved_to_val)
  except (FileNotFoundError, ValueError):
    pass  # They are found again.
  return duplicates.Findings((), (), ())


def _digest(draft, config):
  digest = hashlib.sha256()
  for item in draft.shards:
    digest.update(shard.fingerprint(item, config).encode())
  return digest.hexdigest()


def _path(folder):
  return posixpath.join(folder, shard.SIDECARS, NAME)

"""The duplicates among the images of a plan, stored so that an interrupted run can resume."""

from collections.abc import Sequence
import dataclasses
import hashlib
import json
import posixpath

from deblock.records.layout import files
from deblock.records.planning import config as config_lib
from deblock.records.planning import duplicates, plan
from deblock.records.writing import shard

NAME = "duplicates.json"


def find_among(
  results: Sequence[shard.ShardResult], config: config_lib.RecordsConfig
) -> duplicates.Findings:
  """Returns the duplicates among the images of finished shards."""
  imprints = [
    duplicates.Imprint(
      id=image.id,
      group=image.group,
      split=image.split,
      digest=image.digest,
      hash=int(image.hash, 16) if image.hash else None,
    )
    for result in results
    for image in result.images
  ]
  return duplicates.find(imprints, config.near_duplicate_bits)


def union(first: duplicates.Findings, second: duplicates.Findings) -> duplicates.Findings:
  """Returns the duplicates of two passes together; the second pass used a revised plan."""
  return duplicates.Findings(
    copies=tuple(sorted(first.copies + second.copies, key=lambda copy: copy.id)),
    near=tuple(sorted(first.near + second.near, key=lambda near: near.id)),
    moved=tuple(sorted({*first.moved, *second.moved})),
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
    content = json.loads(files.read_text(_path(folder)))
    if content["plan"] == _digest(draft, config):
      return duplicates.Findings(
        copies=tuple(duplicates.Copy(**copy) for copy in content["copies"]),
        near=tuple(duplicates.Near(**near) for near in content["near"]),
        moved=tuple(content["moved"]),
      )
  except (FileNotFoundError, ValueError, KeyError, TypeError):
    pass  # They are found again.
  return duplicates.Findings((), (), ())


def _digest(draft, config):
  digest = hashlib.sha256()
  for item in draft.shards:
    digest.update(shard.fingerprint(item, config).encode())
  return digest.hexdigest()


def _path(folder):
  return posixpath.join(folder, shard.SIDECARS, NAME)

"""The duplicates among a plan's images, kept so that a run that goes on need not start over."""

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


def find(
  results: Sequence[shard.ShardResult], config: config_lib.RecordsConfig
) -> duplicates.Findings:
  """Returns the duplicates among the images that the shards of a plan used."""
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


def join(first: duplicates.Findings, second: duplicates.Findings) -> duplicates.Findings:
  """Returns the findings of two passes, the second of which was made after revising the plan."""
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
  """Stores the duplicates of a first plan beside the results of its shards."""
  content = {"plan": _digest(draft, config), **dataclasses.asdict(found)}
  files.write_text(_path(folder), json.dumps(content, indent=1) + "\n")


def load(folder: str, draft: plan.Plan, config: config_lib.RecordsConfig) -> duplicates.Findings:
  """Returns what was stored for that first plan; no findings where nothing was."""
  try:
    content = json.loads(files.read_text(_path(folder)))
    if content["plan"] == _digest(draft, config):
      return duplicates.Findings(
        copies=tuple(duplicates.Copy(**copy) for copy in content["copies"]),
        near=tuple(duplicates.Near(**near) for near in content["near"]),
        moved=tuple(content["moved"]),
      )
  except (FileNotFoundError, ValueError, KeyError, TypeError):
    pass  # What cannot be read is found out again.
  return duplicates.Findings((), (), ())


def _digest(draft, config):
  digest = hashlib.sha256()
  for item in draft.shards:
    digest.update(shard.fingerprint(item, config).encode())
  return digest.hexdigest()


def _path(folder):
  return posixpath.join(folder, shard.SIDECARS, NAME)

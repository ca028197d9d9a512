"""A shard's plan as a small file, so that a runner carries its name and not its list of images.

With a hundred thousand images the lists are too large for the description of a job, which some
runners limit to a few MiB.
"""

import dataclasses
import json
import posixpath

from deblock.records.layout import files
from deblock.records.planning import plan
from deblock.records.sources import identity

SUFFIX = ".plan.json"


def save(folder: str, shard_plan: plan.ShardPlan) -> str:
  """Writes a shard's plan into a folder and returns the file's path.

  Raises:
    tf.errors.OpError: if the folder cannot be written.
  """
  path = posixpath.join(folder, f"{shard_plan.name}{SUFFIX}")
  content = {
    "split": shard_plan.split,
    "index": shard_plan.index,
    "count": shard_plan.count,
    "images": [dataclasses.astuple(image) for image in shard_plan.images],
  }
  files.write_text(path, json.dumps(content) + "\n")
  return path


def load(path: str) -> plan.ShardPlan:
  """Returns the plan that `save` wrote.

  Raises:
    tf.errors.NotFoundError: if there is no such file.
  """
  content = json.loads(files.read_text(path))
  images = tuple(identity.SourceImage(*image) for image in content["images"])
  return plan.ShardPlan(content["split"], content["index"], content["count"], images)

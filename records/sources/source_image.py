"""The name of an image and its relations to other images, before it is read."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class SourceImage:
  """One clean image before it is read.

  Attributes:
    id: stable, unique name within its source, such as the path below the folder.
    path: where to read it; for an image inside a data set, its name in messages.
    group: images of one group are in one split.
    chunk: images of one chunk are cheap to read together, and are in one shard.
  """

  id: str
  path: str
  group: str
  chunk: str

  @classmethod
  def alone(cls, id: str, path: str) -> SourceImage:
    """Returns an image without relations: group and chunk are its id."""
    return cls(id, path, group=id, chunk=id)

"""What an image is called, and which others it has to stay with, before it is read."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class SourceImage:
  """One clean image before it is read.

  Attributes:
    id: stable, unique name within its source, such as the path below the folder.
    path: where to read it; of an image inside a data set, what messages call it.
    group: images of one group are never on two sides of a split.
    chunk: images of one chunk are cheap to read together, and so are kept in one shard.
  """

  id: str
  path: str
  group: str
  chunk: str

  @classmethod
  def alone(cls, id: str, path: str) -> SourceImage:
    """Returns an image that belongs with no other: group and chunk are its id."""
    return cls(id, path, group=id, chunk=id)

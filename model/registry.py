"""Networks by name."""

from collections.abc import Callable
import dataclasses

import keras

from deblock.model import blockcnn, blockcnn_kodak, config, deblocknet


@dataclasses.dataclass(frozen=True)
class Entry:
  """A network that can be asked for by name.

  Attributes:
    name: what `--model` takes.
    description: one line for `--list_models`.
    build: (width, residual) to a keras.Model that maps `inputs` to a restored image.
    context: pixels of surroundings that a block depends on, on each side; a multiple of 8.
    border: what stands in for pixels beyond an image's edge: "mirror" or "zeros".
    blockwise: whether a block depends on how much of the image is shown with it, so that the
      network must be run one block at a time.
    keeps_size: whether the restored image is as large as the JPEG, and an image's edge is the
      network's own affair; otherwise the network takes `context` pixels off each side.
    conditioned: whether the network takes the JPEG's quantisation tables too.
  """

  name: str
  description: str
  build: Callable[[int, bool], keras.Model]
  context: int
  border: str
  blockwise: bool
  keeps_size: bool = False
  conditioned: bool = False

  @property
  def consumed(self) -> int:
    """Pixels that the network takes off each side."""
    return 0 if self.keeps_size else self.context

  def inputs(self, compressed, tables):
    """Returns what the network is called with.

    Args:
      compressed: float32 [B, H, W, 3] in [0, 1].
      tables: float32 [B, 2, 8, 8], quantisation steps of luma and chroma.
    """
    return [compressed, tables] if self.conditioned else compressed


_ENTRIES: dict[str, Entry] = {}


def register(entry: Entry) -> None:
  """Adds a network.

  Raises:
    ValueError: if the name is taken.
  """
  if entry.name in _ENTRIES:
    raise ValueError(f"model {entry.name!r} is registered twice.")
  _ENTRIES[entry.name] = entry


def names() -> tuple[str, ...]:
  """Returns the names of all networks, sorted."""
  return tuple(sorted(_ENTRIES))


def get(name: str) -> Entry:
  """Returns the network of that name.

  Raises:
    ValueError: if there is none; the message lists those there are.
  """
  if name not in _ENTRIES:
    raise ValueError(f"model must be one of {', '.join(names())}, got {name!r}.")
  return _ENTRIES[name]


def build(model_config: config.ModelConfig) -> keras.Model:
  """Returns a freshly initialised network.

  Raises:
    ValueError: if there is no network of that name, or it cannot take the settings.
  """
  return get(model_config.model).build(model_config.width, model_config.residual)


register(
  Entry(
    name="blockcnn",
    description="BlockCNN (Maleki 2018), a 24x24 neighbourhood to its central 8x8 block",
    build=blockcnn.blockcnn,
    context=8,
    border="mirror",
    blockwise=True,
  )
)
register(
  Entry(
    name="blockcnn_fc",
    description="BlockCNN's trunk without padding, the same on a block and on a whole image",
    build=blockcnn.blockcnn_fc,
    context=16,
    border="mirror",
    blockwise=False,
  )
)
register(
  Entry(
    name="blockcnn_kodak",
    description="the Kodak re-implementation of BlockCNN that this project continues",
    build=blockcnn_kodak.blockcnn_kodak,
    context=8,
    border="zeros",
    blockwise=True,
  )
)
register(
  Entry(
    name="deblocknet",
    description="our default: units at half resolution, conditioned on the tables, any image",
    build=deblocknet.deblocknet,
    context=32,
    border="zeros",
    blockwise=False,
    keeps_size=True,
    conditioned=True,
  )
)
register(
  Entry(
    name="deblocknet_fast",
    description="our small one: a sixth of deblocknet's work, at half and quarter resolution",
    build=deblocknet.deblocknet_fast,
    context=40,
    border="zeros",
    blockwise=False,
    keeps_size=True,
    conditioned=True,
  )
)

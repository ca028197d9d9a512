"""Networks by name."""

from collections.abc import Callable
import dataclasses

import keras

from deblock.model import blockcnn, blockcnn_kodak, config


@dataclasses.dataclass(frozen=True)
class Entry:
  """A network that can be asked for by name.

  Attributes:
    name: what `--model` takes.
    description: one line for `--list_models`.
    build: (width, residual) to a keras.Model that maps float32 [B, H, W, 3] in [0, 1] to the same
      image without `context` pixels on each side.
    context: pixels of surroundings that the network consumes on each side; a multiple of 8.
    border: what stands in for pixels beyond an image's edge: "mirror" or "zeros".
    blockwise: whether a block depends on how much of the image is shown with it, so that the
      network must be run one block at a time.
  """

  name: str
  description: str
  build: Callable[[int, bool], keras.Model]
  context: int
  border: str
  blockwise: bool


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

"""Networks by name: those of this folder, and those of other packages.

Another package's network is asked for as MODULE:NAME, or by the name of an entry point in the group
`deblock.networks`.
"""

from collections.abc import Callable
import dataclasses
import functools
import importlib.metadata

import keras

from deblock.model.networks import (
  arcnn,
  blockcnn,
  blockcnn_kodak,
  config,
  deblocknet,
  dncnn,
  fbcnn,
  l8,
  nafcar,
  recommended,
  smca,
)


def image_loss(network: keras.Model) -> Callable:
  """Returns the objective of most networks: the loss of the restored image.

  Args:
    network: keras.Model.
  Returns:
    A function of
      inputs: the network's,
      quality: int32 [B], the JPEG's quality, 1 to 100,
      measure: a function of restored images, float32 [B, H, W, C], to their losses, float32 [B],
    to the restored images and the value to minimise, float32 [B].
  """

  def run(inputs, quality, measure):
    del quality
    restored = network(inputs, training=True)
    return restored, measure(restored)

  return run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry(config.Traits):
  """A network that can be asked for by name.

  Attributes:
    description: one line for `--list_models`.
    build: (width, residual) to a keras.Model that maps `inputs` to a restored image; with several
      `conditions` it takes one of them as `condition`.
    conditions: the conditions that the network supports; the first is its default.
    objective: how it is trained; see `image_loss`.
    loss: the default. Plain networks have the losses of their papers: L1 holds them at the
      identity, where they start, for hundreds of steps (docs/networks.md).
    residual: whether it can predict a residual, which is added to the JPEG; its default then.
    training: its defaults.
  """

  description: str
  build: Callable[..., keras.Model]
  conditions: tuple[str, ...] = (config.NONE,)
  objective: Callable = image_loss
  loss: str = "l1"
  residual: bool = True
  training: recommended.Recommended = recommended.USUAL

  def inputs(self, compressed, tables):
    """Returns what the network is called with.

    Args:
      compressed: float32 [B, H, W, 3] in [0, 1].
      tables: float32 [B, 2, 8, 8], quantisation steps of luma and chroma.
    """
    return [compressed, tables] if self.conditioned else compressed


GROUP = "deblock.networks"  # Of entry points.
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
  """Returns the names of all networks, those of installed packages too, sorted."""
  return tuple(sorted({*_ENTRIES, *installed()}))


def get(name: str) -> Entry:
  """Returns the network of that name, or MODULE:NAME of another package.

  Raises:
    ValueError: if there is none, and the message lists all names; or if what the module holds is no
      network.
  """
  if name in _ENTRIES:
    return _ENTRIES[name]
  if ":" in name or name in installed():
    return _foreign(name)
  raise ValueError(
    f"model must be one of {', '.join(names())}, or MODULE:NAME of your own, got {name!r}."
  )


def installed() -> dict[str, importlib.metadata.EntryPoint]:
  """Returns the networks that installed packages name as entry points."""
  return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


def _foreign(name):
  """Returns the entry of another package's network: an `Entry`, or a builder with a context."""
  point = importlib.metadata.EntryPoint("", name, GROUP) if ":" in name else installed()[name]
  try:
    found = point.load()
  except (ImportError, AttributeError) as error:
    raise ValueError(
      f"model {name!r} cannot be imported: {error}. Its module must be installed, or its folder be "
      "in PYTHONPATH."
    ) from error
  if isinstance(found, Entry):
    return dataclasses.replace(found, name=name)
  context = getattr(found, "context", None)
  if not callable(found) or type(context) is not int or context < 0 or context % 8:
    raise ValueError(
      f"model {name!r} must be a registry.Entry, or a function (width, residual) -> keras.Model "
      "with an attribute context, the pixels around a pixel that it depends on, a multiple of 8."
    )
  lines = (found.__doc__ or name).strip().splitlines()
  return Entry(name=name, description=lines[0], build=found, context=context, keeps_size=True)


def usual(name: str, width: int = 0) -> config.ModelConfig:
  """Returns the recommended settings of a network; width 0 is its default.

  Raises:
    ValueError: if there is none; the message lists all names.
  """
  return config.ModelConfig(model=name, width=width, residual=get(name).residual)


def configured(model_config: config.ModelConfig) -> Entry:
  """Returns the network that the settings name, with their condition as its only one.

  Raises:
    ValueError: if there is no network of that name, or it does not support the condition.
  """
  entry = get(model_config.model)
  condition = model_config.condition or entry.conditions[0]
  if condition not in entry.conditions:
    raise ValueError(
      f"condition must be {' or '.join(entry.conditions)} for {entry.name}, got {condition!r}."
    )
  build_it = entry.build
  if len(entry.conditions) > 1:
    build_it = functools.partial(build_it, condition=condition)
  return dataclasses.replace(
    entry, build=build_it, conditioned=condition != config.NONE, conditions=(condition,)
  )


def build(model_config: config.ModelConfig) -> keras.Model:
  """Returns a newly initialised network.

  Raises:
    ValueError: if there is no network of that name, or it does not support the settings.
  """
  return configured(model_config).build(model_config.width, model_config.residual)


for _entry in (
  Entry(
    name="blockcnn",
    description="BlockCNN (Maleki 2018), the quick start: a 24x24 neighbourhood to its central 8x8",
    build=blockcnn.blockcnn,
    context=8,
    border="mirror",
    blockwise=True,
    conditions=config.CONDITIONS,
  ),
  Entry(
    name="blockcnn_fc",
    description="BlockCNN's trunk without padding, the same on a block and on a whole image",
    build=blockcnn.blockcnn_fc,
    context=16,
    border="mirror",
    conditions=config.CONDITIONS,
  ),
  Entry(
    name="blockcnn_kodak",
    description="the Kodak re-implementation of BlockCNN that this project continues",
    build=blockcnn_kodak.blockcnn_kodak,
    context=8,
    blockwise=True,
    residual=False,
  ),
  Entry(
    name="deblocknet",
    description="what to train: units at half resolution, conditioned on the tables, any image",
    build=deblocknet.deblocknet,
    context=32,
    keeps_size=True,
    conditioned=True,
    conditions=(config.TABLES,),
  ),
  Entry(
    name="deblocknet_fast",
    description="what to train for speed: a sixth of the work, at half and quarter resolution",
    build=deblocknet.deblocknet_fast,
    context=40,
    keeps_size=True,
    conditioned=True,
    conditions=(config.TABLES,),
  ),
  Entry(
    name="arcnn",
    description="AR-CNN (Dong 2015), four layers",
    build=arcnn.arcnn,
    context=arcnn.CONTEXT,
    keeps_size=True,
    conditions=config.CONDITIONS,
    loss="l2",
  ),
  Entry(
    name="dncnn3",
    description="DnCNN-3 (Zhang 2017), twenty layers of 3x3",
    build=dncnn.dncnn3,
    context=dncnn.CONTEXT,
    keeps_size=True,
    conditions=config.CONDITIONS,
    loss="l2",
  ),
  Entry(
    name="fbcnn",
    description="FBCNN (Jiang 2021), estimates the quality and has a dial for it",
    build=fbcnn.fbcnn,
    context=fbcnn.CONTEXT,
    keeps_size=True,
    pools=True,
    objective=fbcnn.objective,
  ),
  Entry(
    name="l4",
    description="L4 (Svoboda 2016), four layers, our reading",
    build=l8.l4,
    context=l8.CONTEXT,
    keeps_size=True,
    conditions=config.CONDITIONS,
    loss="sobel",
  ),
  Entry(
    name="l8",
    description="L8 (Svoboda 2016), eight layers, the first joined to two later ones",
    build=l8.l8,
    context=l8.CONTEXT,
    keeps_size=True,
    conditions=config.CONDITIONS,
    loss="sobel",
  ),
  Entry(
    name="nafcar",
    description="NAFNet's blocks (Chen 2022) in a small U-shape",
    build=nafcar.nafcar,
    context=nafcar.CONTEXT,
    keeps_size=True,
    conditions=config.CONDITIONS,
    pools=True,
  ),
  Entry(
    name="smca",
    description="after SMCA (Li 2019), our reading: three stages, a loss on each",
    build=smca.smca,
    context=smca.CONTEXT,
    keeps_size=True,
    conditions=config.CONDITIONS,
    pools=True,
    objective=smca.objective,
  ),
):
  register(dataclasses.replace(_entry, training=recommended.BY_NAME[_entry.name]))

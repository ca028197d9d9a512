"""Networks by name for the equal-time table: the registry's, and variants of deblocknet.

`dncnn3`, `arcnn:32` (width 32), or `deblocknet:width=48,units=8,scale=4,kernel=5,attention=1,
separable=1`. Each setting may be missing; deblocknet's own are 64, 6, 2, 3, 0 and 0. `NAME@fast`
starts from pretrained weights: those of layers that both networks have.
"""

import dataclasses

import keras

from deblock.model import pretrained, pretrained_files
from deblock.model.networks import blocks, conditioning, config, registry

VARIED = "deblocknet"


@dataclasses.dataclass(frozen=True)
class Settings:
  """A variant of deblocknet.

  Attributes:
    width: channels.
    units: residual units.
    scale: pixels of the image in a pixel of the features, along each side: 2, 4 or 8.
    kernel: side of the units' kernels.
    attention: whether a unit weights its channels by their means (Hu et al. 2018, section 3).
    separable: whether a unit's convolutions are depth-wise ones followed by 1x1.
  """

  width: int = 64
  units: int = 6
  scale: int = 2
  kernel: int = 3
  attention: int = 0
  separable: int = 0


def parse(name: str) -> tuple[str, dict[str, int]]:
  """Returns a network's name and its settings; those that are missing have their defaults.

  Raises:
    ValueError: if a setting is not known for it, or is not a number above zero, or there are no
      such pretrained weights.
  """
  design, _, weights = name.partition("@")
  if weights:
    pretrained_files.check_name(weights)
  network, _, text = design.partition(":")
  settings = {}
  for part in filter(None, text.split(",")):
    key, _, value = part.rpartition("=")
    key = key or "width"
    known = [field.name for field in dataclasses.fields(Settings)]
    if network != VARIED:
      known = ["width"]
    if key not in known or not value.isdigit():
      raise ValueError(
        f"{name!r}: settings of {network} are {', '.join(known)}, each =NUMBER, got {part!r}."
      )
    settings[key] = int(value)
  return network, settings


def build(name: str):
  """Returns a network before training, and the registry's entry that describes how it is run.

  Raises:
    ValueError: as `parse`, or if there is no such network, or the pretrained weights are of one
      that has other layers than this one.
  """
  design, _, weights = name.partition("@")
  network, entry = _fresh(design)
  if weights:
    _start_from(network, pretrained.load(weights)[0])
  return network, entry


def _fresh(name):
  network, settings = parse(name)
  entry = registry.configured(config.ModelConfig(model=network))
  if network != VARIED or not settings.keys() - {"width"}:
    return entry.build(settings.get("width", 0), True), entry
  variant = Settings(**settings)
  reach = variant.scale * (1 + variant.units * (variant.kernel // 2) * 2 + 2)
  context = -(-reach // 8) * 8
  pools = bool(variant.attention)
  return deblocknet(variant), dataclasses.replace(entry, context=context, pools=pools)


def _start_from(network, trained):
  variables = {variable.path: variable for variable in network.weights}
  missing = sorted({variable.path for variable in trained.weights} - variables.keys())
  if missing:
    raise ValueError(f"{network.name} has no {missing[0]}, which {trained.name} has.")
  for variable in trained.weights:
    variables[variable.path].assign(variable.value)


def deblocknet(settings: Settings) -> keras.Model:
  """Returns deblocknet with other settings; model/networks/deblocknet.py describes its inputs."""
  compressed = keras.Input((None, None, 3), name="compressed")
  tables = keras.Input((2, 8, 8), name="tables")
  embedding = conditioning.TableEmbedding(name="embedding")(tables)
  features = keras.layers.Rescaling(2.0, -1.0)(compressed)
  features = blocks.PadToMultiple(8)(features)
  features = blocks.SpaceToDepth(settings.scale)(features)
  features = _convolution(settings.width, 3, 1.0)(features)
  features = conditioning.BlockPhase(8 // settings.scale)(features)
  for _ in range(settings.units):
    features = _unit(features, embedding, settings)
  head = keras.layers.Conv2D(
    3 * settings.scale**2, 3, padding="same", kernel_initializer="zeros", name="head"
  )(features)
  residual = blocks.DepthToSpace(settings.scale)(head)
  residual = blocks.CropLike()([keras.layers.Rescaling(0.1)(residual), compressed])
  return keras.Model([compressed, tables], keras.layers.Add()([compressed, residual]))


def _convolution(channels, side, gain):
  initializer = keras.initializers.VarianceScaling(gain, "fan_in")
  return keras.layers.Conv2D(channels, side, padding="same", kernel_initializer=initializer)


def _spatial(features, settings, gain):
  if settings.separable:
    depth_wise = keras.layers.DepthwiseConv2D(settings.kernel, padding="same", use_bias=False)
    return _convolution(settings.width, 1, gain)(depth_wise(features))
  return _convolution(settings.width, settings.kernel, gain)(features)


def _unit(features, embedding, settings):
  hidden = _spatial(features, settings, 2.0)
  hidden = keras.layers.ReLU()(conditioning.Modulation()([hidden, embedding]))
  hidden = _spatial(hidden, settings, 0.02)
  if settings.attention:
    means = keras.layers.GlobalAveragePooling2D(keepdims=True)(hidden)
    means = keras.layers.Conv2D(max(4, settings.width // 8), 1, activation="relu")(means)
    weights = keras.layers.Conv2D(settings.width, 1, activation="sigmoid")(means)
    hidden = keras.layers.Multiply()([hidden, weights])
  return keras.layers.Add()([features, hidden])

"""Networks of this project in PyTorch, the same layers with random weights, to time them.

Imported by an interpreter that has PyTorch; channels come first in the shapes below.
"""

import torch
from torch import nn
from torch.nn import functional


def _convolutions(*layers):
  """Returns padded convolutions with ReLU between, of (channels in, out, side of the kernel)."""
  modules = []
  for channels, filters, side in layers:
    modules += [nn.Conv2d(channels, filters, side, padding=side // 2), nn.ReLU(inplace=True)]
  return nn.Sequential(*modules[:-1])


class Residual(nn.Module):
  """Adds a tenth of the output of `trunk` to its input, [B, 3, H, W] in [0, 1]."""

  def __init__(self, trunk):
    super().__init__()
    self.trunk = trunk

  def forward(self, compressed, tables):
    """Returns the restored image; the tables are not used."""
    del tables
    return compressed + 0.1 * self.trunk(compressed)


def arcnn():
  """Returns AR-CNN in colour, see model/networks/arcnn.py."""
  return Residual(_convolutions((3, 64, 9), (64, 32, 7), (32, 16, 1), (16, 3, 5)))


def dncnn3(channels=3):
  """Returns DnCNN-3, see model/networks/dncnn.py."""
  inner = [(64, 64, 3)] * 18
  return Residual(_convolutions((channels, 64, 3), *inner, (64, channels, 3)))


def _unit(channels, filters, side):
  return nn.Sequential(
    nn.Conv2d(channels, filters, side, bias=False),
    nn.BatchNorm2d(filters),
    nn.LeakyReLU(0.1, inplace=True),
  )


class Bottleneck(nn.Module):
  """BlockCNN's residual unit, see model/networks/blocks.py."""

  def __init__(self, channels):
    super().__init__()
    modules = []
    for side in (1, 3, 1):
      modules += [
        nn.Conv2d(channels, channels, side, padding=side // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.LeakyReLU(0.1, inplace=True),
      ]
    self.branch = nn.Sequential(*modules[:-1])

  def forward(self, features):
    """Returns features of the same shape."""
    return functional.leaky_relu(features + self.branch(features), 0.1)


class BlockCnn(nn.Module):
  """BlockCNN at width 64, see model/networks/blockcnn.py: [B, 3, H, W] in, H - 16, W - 16 out."""

  def __init__(self):
    super().__init__()
    modules, channels = [], 3
    stages = (
      (64, 5, 2),
      (128, 5, 1),
      (256, 5, 2),
      (512, 1, 1),
      (256, 1, 1),
      (128, 1, 1),
      (64, 1, 1),
    )
    for filters, side, bottlenecks in stages:
      modules.append(_unit(channels, filters, side))
      modules += [Bottleneck(filters) for _ in range(bottlenecks)]
      channels = filters
    self.trunk = nn.Sequential(*modules)
    self.head = nn.Conv2d(64, 3, 1, bias=False)

  def forward(self, compressed, tables):
    """Returns the restored image without 8 pixels a side; the tables are not used."""
    del tables
    residual = self.head(self.trunk(compressed)[:, :, 2:-2, 2:-2])
    return compressed[:, :, 8:-8, 8:-8] + 0.05 * residual


class Unit(nn.Module):
  """deblocknet's residual unit, see model/networks/deblocknet.py."""

  def __init__(self, channels):
    super().__init__()
    self.first = nn.Conv2d(channels, channels, 3, padding=1)
    self.modulation = nn.Linear(16, 2 * channels)
    self.second = nn.Conv2d(channels, channels, 3, padding=1)

  def forward(self, features, embedding):
    """Returns features of the same shape."""
    scale, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
    hidden = functional.relu(self.first(features) * (1.0 + scale) + shift, inplace=True)
    return features + self.second(hidden)


class Deblocknet(nn.Module):
  """deblocknet, and its small form if `deep` units at a quarter of the resolution are asked for."""

  def __init__(self, width=64, units=6, deep_width=0, deep=0):
    super().__init__()
    self.embed = nn.Sequential(nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
    self.stem = nn.Conv2d(12, width, 3, padding=1)
    self.phase = nn.Parameter(torch.zeros(1, width, 4, 4))
    self.encoder = nn.ModuleList(Unit(width) for _ in range(units))
    self.deep = nn.ModuleList(Unit(deep_width) for _ in range(deep))
    if deep:
      self.down = nn.Conv2d(width, deep_width, 2, stride=2)
      self.up = nn.Conv2d(deep_width, 4 * width, 1)
      self.decoder = nn.ModuleList(Unit(width) for _ in range(units))
    self.head = nn.Conv2d(width, 12, 3, padding=1)

  def forward(self, compressed, tables):
    """Returns the restored image; height and width must be multiples of 8."""
    embedding = self.embed(0.36067376 * tables.flatten(1).log() - 1.0)
    features = self.stem(functional.pixel_unshuffle(2.0 * compressed - 1.0, 2))
    features = features + self.phase.tile(1, 1, features.shape[2] // 4, features.shape[3] // 4)
    for unit in self.encoder:
      features = unit(features, embedding)
    if self.deep:
      deep = self.down(features)
      for unit in self.deep:
        deep = unit(deep, embedding)
      features = features + functional.pixel_shuffle(self.up(deep), 2)
      for unit in self.decoder:
        features = unit(features, embedding)
    return compressed + 0.1 * functional.pixel_shuffle(self.head(features), 2)


NETWORKS = {
  "arcnn": arcnn,
  "dncnn3": dncnn3,
  "dncnn3_luma": lambda: dncnn3(1),
  "blockcnn": BlockCnn,
  "deblocknet": Deblocknet,
  "deblocknet_fast": lambda: Deblocknet(24, 1, 60, 3),
}
CONSUMED = {"blockcnn": 8}
CHANNELS = {"dncnn3_luma": 1}  # Of the others 3.

"""The table that deblock-train --list_models prints."""

import math

import tabulate

from deblock.model import macs
from deblock.model.networks import registry


def table() -> str:
  """Returns a line for each network: parameters, kMAC a pixel at its own width, description."""
  header = ("model", "parameters", "kMAC/pixel", "description")
  rows = []
  for name in registry.names():
    network, entry = registry.build(registry.usual(name)), registry.get(name)
    parameters = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    work = macs.per_pixel(network, entry) / 1e3
    rows.append((name, f"{parameters:,}", f"{work:,.1f}", entry.description))
  align = ("left", "right", "right", "left")
  return tabulate.tabulate(rows, header, "plain", colalign=align, disable_numparse=True)

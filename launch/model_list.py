"""What --list_models prints."""

import math

from deblock.model import macs
from deblock.model.networks import registry


def table() -> str:
  """Returns a line for each network: its trained weights, its work at its own width, what it is."""
  width = max(len(name) for name in registry.names())
  lines = [f"{'model':<{width}}  parameters  kMAC/pixel  description"]
  for name in registry.names():
    network, entry = registry.build(registry.usual(name)), registry.get(name)
    parameters = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    work = macs.per_pixel(network, entry) / 1e3
    lines.append(f"{name:<{width}}  {parameters:>10,}  {work:>10,.1f}  {entry.description}")
  return "\n".join(lines)

"""CPU-seconds of evaluating images, inside the network and outside of it.

make bench PART=evaluating IMAGES=FOLDER MODELS='default fast' COUNT=24

Outside are reading, compressing and measuring: the figures of the JPEG and of the restored image.
"""

import argparse
import time

from deblock.launch.evaluation import figures, methods, selection, settings

QUALITIES = (10, 20, 30, 40)


def main():
  """Prints a line for each network."""
  parser = argparse.ArgumentParser()
  parser.add_argument("images")
  parser.add_argument("models", nargs="*", default=["default", "fast"])
  parser.add_argument("--count", type=int, default=24)
  options = parser.parse_args()
  for name in options.models:
    chosen = settings.EvaluateConfig(model=(name,), images=options.images, qualities=QUALITIES)
    found, qualities = selection.choose(chosen)
    images = found._replace(images=found.images[: options.count])
    (method,) = selection.load_methods(chosen)
    methods.warm([method])
    inside = [0.0]

    def restore(jpeg, tables, restore=method.restore, inside=inside):
      began = time.process_time()
      restored = restore(jpeg, tables)
      inside[0] += time.process_time() - began
      return restored

    began = time.process_time()
    rows = figures.evaluate([methods.Method(name, restore)], selection.read(images), qualities)
    total = time.process_time() - began
    print(
      f"{name}: {len(rows)} JPEGs of {len(images.images)} images in {total:.1f} CPU-s; "
      f"{inside[0]:.1f} in the network, {total - inside[0]:.1f} outside "
      f"({100 * (1 - inside[0] / total):.0f} %)"
    )


if __name__ == "__main__":
  main()

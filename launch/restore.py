"""deblock-restore: removes JPEG artifacts from photographs.

deblock-restore IN... --out=DIR

IN are files, folders or quoted globs. A JPEG's own quantisation tables say how strongly it was
compressed. For other formats that were once JPEGs, quality and grid offset are estimated from the
pixels. Finished files are skipped; inputs are never changed.
"""

import time

import tqdm

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.restoring import batch, restore_config

config_flags.define(restore_config.RestoreConfig)


def main(arguments):
  """Restores as the arguments say; returns 1 if a file failed, else 0."""
  config = config_flags.parse(restore_config.RestoreConfig)
  began = time.monotonic()
  outcomes = batch.restore(arguments[1:], config, tqdm.tqdm.write)
  print(batch.table(outcomes, time.monotonic() - began))
  return int(any(outcome.status == batch.FAILED for outcome in outcomes))


def run():
  """Entry point of the console script."""
  program.run(main, takes_names=True)


if __name__ == "__main__":
  run()

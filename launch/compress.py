"""deblock-compress: writes images as the smallest JPEGs that restoring brings to a quality.

deblock-compress IN... --out=DIR --psnr=34

IN are files, folders or quoted globs. The results are ordinary .jpg files, that every viewer opens
and that deblock-restore brings to the target. Finished files are skipped; inputs are never changed.
"""

import functools
import gc
import os
import sys
import time

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.compressing import compress_config
from deblock.launch.file_sets import outcomes, runner
from deblock.records import console


def main(arguments):
  """Compresses as the arguments say; returns 1 if a file failed, 130 after Ctrl-C, else 0."""
  config = config_flags.parse(compress_config.CompressConfig)
  if config.report:
    outcomes.check_report(config.report)
  began = time.monotonic()
  # As in `launch.restore`.
  from deblock.launch.compressing import batch
  from deblock.records import progress_bar

  note = functools.partial(progress_bar.note, stream=sys.stdout)
  bar = functools.partial(progress_bar.bar, "compressing", "px", unit_scale=True)
  try:
    made = batch.compress(arguments[1:], config, note, bar)
  except runner.Interrupted as stopped:
    console.complain(f"stopped: {stopped}; the same command resumes.")
    return 130
  seconds = time.monotonic() - began
  console.say(*outcomes.table(made, seconds, batch.COMPRESSED).split("\n"))
  if config.report:
    outcomes.write_report(config.report, made)
  return int(any(outcome.status == outcomes.FAILED for outcome in made))


def run():
  """Entry point of the console script."""
  # As in `launch.restore`.
  os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
  gc.set_threshold(50_000)
  program.run(main, compress_config.CompressConfig, takes_names=True, aliases={"o": "out"})


if __name__ == "__main__":
  run()

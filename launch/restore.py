"""deblock-restore: takes the JPEG artifacts out of photographs.

deblock-restore IN... --out=DIR

IN are files, folders or quoted globs. A JPEG's own tables tell how strongly it was compressed; of
other formats the pixels do, if they were a JPEG. Finished files are skipped, inputs left alone.
"""

import pathlib
import time

import tqdm

from deblock.launch import flags as config_flags
from deblock.launch import outputs, program, restore_config, restore_run, trained
from deblock.records import saving

config_flags.define(restore_config.RestoreConfig)


def main(arguments):
  """Restores as the arguments say; the exit status is 1 if a file failed."""
  config = config_flags.parse(restore_config.RestoreConfig)
  patterns = arguments[1:]
  if not patterns:
    raise ValueError(
      "name what to restore, files, folders or globs: deblock-restore IN... --out=DIR."
    )
  _prepare(config.out)
  extension = saving.FORMATS[config.format].suffix
  jobs, refused = outputs.plan(patterns, config.out, config.suffix, extension, config.overwrite)
  network = trained.load(
    "" if config.logdir else config.model, config.logdir, restore_run.window_bytes(config)
  )
  began = time.monotonic()
  outcomes = [
    restore_run.Outcome(item.path, restore_run.FAILED, 0, item.reason) for item in refused
  ]
  sizes = {job.path: outputs.pixels(job.path) for job in jobs}
  with program.progress_bar("restoring", "px", sum(sizes.values()), unit_scale=True) as bar:

    def tell(outcome):
      if outcome.status != restore_run.RESTORED:
        # Work that will not be done would spoil the time to go.
        bar.total = max(bar.n, bar.total - sizes[outcome.path])
      arrow = ":" if outcome.status == restore_run.FAILED else " ->"
      tqdm.tqdm.write(f"{outcome.status}: {outcome.path}{arrow} {outcome.detail}")

    outcomes += restore_run.run(jobs, network, config, bar.update, tell)
  print(restore_run.table(outcomes, time.monotonic() - began))
  return int(any(outcome.status == restore_run.FAILED for outcome in outcomes))


def _prepare(folder):
  try:
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise OSError(
      f"out {folder} cannot be written: {error.strerror}. Choose another --out."
    ) from error


def run():
  """Entry point of the console script."""
  program.run(main, takes_names=True)


if __name__ == "__main__":
  run()

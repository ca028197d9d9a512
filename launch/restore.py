"""deblock-restore: removes JPEG artifacts from photographs.

deblock-restore IN... --out=DIR (or -o DIR)

IN are files, folders or quoted globs. A JPEG's own quantisation tables say how strongly it was
compressed. For other formats that were once JPEGs, quality and grid offset are estimated from the
pixels. Finished files are skipped; inputs are never changed.
"""

import dataclasses

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.file_sets import outcomes, set_program
from deblock.launch.restoring import restore_config
from deblock.launch.run_folder import checkpoint_folder
from deblock.records import console


def main(arguments):
  """Restores as the arguments say; returns the status to exit with."""
  config = config_flags.parse(restore_config.RestoreConfig)
  if config.report:
    outcomes.check_report(config.report)
  if config.logdir:
    config = dataclasses.replace(config, model=_exported(config), logdir="", checkpoint="")
  from deblock.launch.restoring import batch

  return set_program.run(batch.restore, arguments[1:], config, "restoring", batch.RESTORED)


def _exported(config):
  """Returns the path of a run's network, which is exported into the run's folder if need be."""
  from deblock.launch.restoring import network_file

  path = checkpoint_folder.exported_path(config.logdir, config.checkpoint)
  try:
    network_file.read(path)
  except (FileNotFoundError, ValueError):
    # Only here, since it takes TensorFlow, which restoring does without.
    program.start_tensorflow(gpus=False)
    from deblock.launch.portable import exported_network
    from deblock.launch.portable import settings as export_settings

    console.say(f"exporting the run's network: {path}")
    exported_network.export(
      export_settings.ExportConfig(
        logdir=config.logdir, checkpoint=config.checkpoint, output=str(path)
      )
    )
  return str(path)


def run():
  """Entry point of the console script."""
  set_program.prepare_process()
  program.run(main, restore_config.RestoreConfig, takes_names=True, aliases={"o": "out"})


if __name__ == "__main__":
  run()

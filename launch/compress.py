"""deblock-compress: writes images as the smallest JPEGs that restoring brings to a quality.

deblock-compress IN... --out=DIR --psnr=34

IN are files, folders or quoted globs. The results are ordinary .jpg files, that every viewer opens
and that deblock-restore brings to the target. Finished files are skipped; inputs are never changed.
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.compressing import compress_config
from deblock.launch.file_sets import outcomes, set_program


def main(arguments):
  """Compresses as the arguments say; returns the status to exit with."""
  config = config_flags.parse(compress_config.CompressConfig)
  if config.report:
    outcomes.check_report(config.report)
  from deblock.launch.compressing import batch

  return set_program.run(batch.compress, arguments[1:], config, "compressing", batch.COMPRESSED)


def run():
  """Entry point of the console script."""
  set_program.prepare_process()
  program.run(main, compress_config.CompressConfig, takes_names=True, aliases={"o": "out"})


if __name__ == "__main__":
  run()

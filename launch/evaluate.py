"""deblock-evaluate: PSNR, SSIM and PSNR-B of JPEGs and of what a run's network makes of them.

deblock-evaluate --logdir=DIR --images=FOLDER --qualities=10,20 --output=DIR
"""

from deblock.launch import evaluation, program, selection
from deblock.launch import flags as config_flags

config_flags.define(selection.SelectionConfig)


def main(arguments):
  """Evaluates as the flags say; prints the table and saves it as CSV and JSON."""
  del arguments
  settings = config_flags.parse(selection.SelectionConfig)
  selection.prepare_output(settings.output)
  chosen, qualities = selection.choose(settings)
  restore = selection.load_restorer(settings)
  rows = []
  with program.progress_bar("evaluating", "image", len(chosen.images)) as bar:
    for image in selection.read(chosen):
      rows += evaluation.evaluate(
        restore, [image], qualities, settings.subsampling, settings.faithful
      )
      bar.update()
  evaluation.save(rows, settings.output)
  print(evaluation.table(rows))
  print(f"saved: {settings.output}/{evaluation.JSON_FILE} and {evaluation.CSV_FILE}")


def run():
  """Entry point of the console script."""
  program.run(main)


if __name__ == "__main__":
  run()

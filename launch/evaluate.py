"""deblock-evaluate: measures PSNR, SSIM and PSNR-B of JPEGs and of their restored versions.

deblock-evaluate --logdir=DIR --images=FOLDER --qualities=10,20 --output=DIR

deblock-evaluate --model=default,fast,bilateral --images=FOLDER --qualities=10,20

Without --output it prints its table and writes nothing.
"""

import time

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.evaluation import settings as settings_lib
from deblock.records import console, progress_bar


def main(arguments):
  """Evaluates; prints the table, and saves it as CSV, JSON and Markdown if a folder is named."""
  del arguments
  settings = config_flags.parse(settings_lib.EvaluateConfig)
  program.start_tensorflow()
  from deblock.launch.evaluation import figures, measures, selection, tables
  from deblock.launch.evaluation import methods as methods_lib

  names = (tables.JSON_FILE, tables.CSV_FILE, tables.MARKDOWN_FILE)
  if settings.output:
    program.prepare_output(settings.output, *names)
  chosen, qualities = selection.choose(settings)
  notes = selection.check(chosen, settings, measures.smallest_side(settings.metrics))
  console.say(*(f"note: {note}" for note in notes))
  methods = selection.load_methods(settings)
  methods_lib.warm(methods)
  rows = []
  with progress_bar.bar("evaluating", "image", len(chosen.images)) as bar:
    for image in selection.read(chosen):
      rows += figures.evaluate(
        methods, [image], qualities, settings, time.perf_counter, settings.metrics
      )
      bar.update()
  if settings.output:
    tables.save(rows, settings.output, settings)
  console.say(*tables.text(rows).split("\n"))
  if settings.output:
    files = f"{tables.JSON_FILE}, {tables.CSV_FILE} and {tables.MARKDOWN_FILE}"
    console.say(f"saved: {settings.output}/{files}")


def run():
  """Entry point of the console script."""
  program.run(main, settings_lib.EvaluateConfig)


if __name__ == "__main__":
  run()

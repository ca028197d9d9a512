"""deblock-compare: draws clean image, JPEG and restored image side by side, and writes a report.

deblock-compare --logdir=DIR --images=FOLDER --qualities=10,20 --output=DIR

Writes one picture for each image and quality, contact-sheet.png, and report.html: one file for any
browser, with a before/after slider, zoom and error maps.
"""

import time

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.pictures import settings as settings_lib
from deblock.records import console, progress_bar


def main(arguments):
  """Draws one picture for each image, quality and method, then report and contact sheet."""
  del arguments
  settings = config_flags.parse(settings_lib.CompareConfig)
  program.start_tensorflow()
  from deblock.launch.evaluation import measures, selection
  from deblock.launch.evaluation import methods as methods_lib
  from deblock.launch.pictures import gallery as gallery_lib
  from deblock.launch.pictures import report, sheets

  output = program.prepare_output(settings.output, report.FILE, sheets.FILE)
  gallery = gallery_lib.Gallery(output, settings.report_images)
  chosen, qualities = selection.choose(settings)
  notes = selection.check(chosen, settings, measures.smallest_side(measures.USUAL))
  console.say(*(f"note: {note}" for note in notes))
  methods = selection.load_methods(settings)
  methods_lib.warm(methods)
  written = []
  with progress_bar.bar("comparing", "image", len(chosen.images)) as bar:
    for image, clean in selection.read(chosen):
      trials = gallery_lib.all_trials(methods, image, clean, qualities, settings, time.perf_counter)
      written += gallery.draw(trials)
      gallery.add(trials)
      bar.update()
  console.say(*(f"picture: {path}" for path in written))
  console.say(*gallery.finish(settings))


def run():
  """Entry point of the console script."""
  program.run(main, settings_lib.CompareConfig)


if __name__ == "__main__":
  run()

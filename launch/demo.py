"""deblock-demo: restores two photographs with pretrained weights, and draws the results.

deblock-demo --output=DIR

The photographs, squares of 256x256 pixels, come with the package. They are compressed in turn, one
at each quality, restored, and shown beside the clean ones: in demo.png, and in report.html for a
browser. Two squares are an example, not an evaluation.
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.pictures import settings as settings_lib
from deblock.records import console


def main(arguments):
  """Writes the picture and the report."""
  del arguments
  config = config_flags.parse(settings_lib.DemoConfig)
  from deblock.launch.pictures import demo, gallery, report

  folder = program.prepare_output(config.output, "demo.png", report.FILE)
  made = demo.trials(config.model, config.qualities)
  gallery.save_picture(folder / "demo.png", demo.sheet(made))
  size_bytes = gallery.save_text(folder / report.FILE, demo.page(made))
  console.say(f"picture: {folder / 'demo.png'}")
  console.say(f"report: {folder / report.FILE} ({report.size_text(size_bytes)})")


def run():
  """Entry point of the console script."""
  program.run(main, settings_lib.DemoConfig)


if __name__ == "__main__":
  run()

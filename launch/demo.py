"""deblock-demo: restores packaged photographs with the shipped weights, and draws what came of it.

deblock-demo --output=DIR

Squares of four photographs that come inside scikit-image are compressed at the qualities, restored,
and drawn beside the clean ones. Four squares show what to expect; they are no evaluation.
"""

from PIL import Image

from deblock.launch import demo_sheet, program, selection
from deblock.launch import flags as config_flags

config_flags.define(demo_sheet.DemoConfig)


def main(arguments):
  """Writes the sheet."""
  del arguments
  config = config_flags.parse(demo_sheet.DemoConfig)
  path = selection.prepare_output(config.output) / "demo.png"
  temporary = path.with_suffix(".tmp")
  Image.fromarray(demo_sheet.sheet(config.model, config.qualities)).save(temporary, "PNG")
  temporary.replace(path)
  print(f"picture: {path}")


def run():
  """Entry point of the console script."""
  program.run(main)


if __name__ == "__main__":
  run()

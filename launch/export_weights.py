"""deblock-export-weights: writes a run's weights as float16 arrays with a checksum, and as ONNX.

deblock-export-weights --logdir=RUN --name=default --output=DIR
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.portable import settings as settings_lib
from deblock.records import console


def main(arguments):
  """Exports as the flags say."""
  del arguments
  settings = config_flags.parse(settings_lib.WeightsConfig)
  program.start_tensorflow(gpus=False)
  from deblock.launch.portable import weights as weights_export

  step = weights_export.export(settings)
  console.say(f"weights of step {step}: {settings.output}/{settings.name}.npz and .onnx")


def run():
  """Entry point of the console script."""
  program.run(main, settings_lib.WeightsConfig)


if __name__ == "__main__":
  run()

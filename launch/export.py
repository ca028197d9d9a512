"""deblock-export: writes a trained network as one file for other runtimes.

deblock-export --logdir=RUN --output=mine.onnx

deblock-restore --model=mine.onnx restores with it, without TensorFlow. FILE.tflite is LiteRT, and
--format=savedmodel a folder for TensorFlow Serving. What was written is compared with the network.
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.portable import settings as settings_lib
from deblock.records import console


def main(arguments):
  """Exports as the flags say."""
  del arguments
  settings = config_flags.parse(settings_lib.ExportConfig)
  program.start_tensorflow(gpus=False)
  from deblock.launch.portable import exported_network

  exported = exported_network.export(settings)
  step = f", step {exported.step}" if exported.step else ""
  console.say(f"network: {exported.path}{step}; within {exported.difference:.1e} levels of Keras")


def run():
  """Entry point of the console script."""
  program.run(main, settings_lib.ExportConfig)


if __name__ == "__main__":
  run()

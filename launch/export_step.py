"""deblock-export-step: writes a network's training step as a StableHLO program.

deblock-export-step --model=deblocknet --output=DIR
python DIR/run_exported.py --programs=DIR --images=FOLDER --output=RUN

The second command runs on the machine with the accelerator, which needs jax, numpy and pillow.
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.portable import settings as settings_lib
from deblock.model.networks import config as model_config
from deblock.records import console


def main(arguments):
  """Exports as the flags say."""
  del arguments
  settings = config_flags.parse(settings_lib.StepConfig)
  model = config_flags.parse(model_config.ModelConfig)
  program.start_tensorflow(gpus=False)
  from deblock.launch.portable import exported_step

  exported_step.export(model, settings)
  console.say(f"programs: {settings.output}")


def run():
  """Entry point of the console script."""
  program.run(main, model_config.ModelConfig, settings_lib.StepConfig)


if __name__ == "__main__":
  run()

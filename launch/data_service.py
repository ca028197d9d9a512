"""deblock-data-service: makes the batches of a training on other machines, by tf.data's service.

deblock-data-service --role=local --workers=2
deblock-data-service --role=dispatcher --port=5050
deblock-data-service --role=worker --dispatcher=HOST:5050

Give the address that it prints to deblock-train --data_service. Ctrl-C or SIGTERM ends it.
"""

import os
import signal
import threading

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.machines import serving
from deblock.records import console


def main(arguments):
  """Serves as the flags say until SIGTERM or Ctrl-C."""
  del arguments
  settings = config_flags.parse(serving.ServiceConfig)
  program.start_tensorflow(gpus=False)

  ended = threading.Event()
  # Installed first, so that a signal during the start ends it cleanly too.
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: ended.set())
  with serving.running(settings) as address:
    if settings.role == "worker":
      console.say(f"making batches for {address}")
    else:
      console.say(f"train with --data_service={address}")
    ended.wait()
    # Stopping a worker properly takes minutes and gains nothing: trainers continue with the others.
    console.say("stopped.")
    os._exit(0)


def run():
  """Entry point of the console script."""
  program.run(main, serving.ServiceConfig)


if __name__ == "__main__":
  run()

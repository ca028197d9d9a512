"""One worker of two: trains a tiny network from the records, once for each of the folders.

python two_workers.py RECORDS INDEX CALLS WORKERS FOLDER...

The process is killed when it has read the clock CALLS times, if that is not 0. WORKERS is a list of
addresses, or nothing where TF_CONFIG names them. Several folders share the strategy, which a
process can make but once.
"""

import os
import signal
import time

from deblock.launch import program
from deblock.launch.machines import hosts
from deblock.launch.settings import train as train_settings
from deblock.launch.training import loop

# Under a squared error, as l4's own is, two hosts and one device were 6e-6 apart after 20 steps.
LOSS = "l1"


def main(arguments):
  """Trains, and prints the path of each run's last checkpoint."""
  records, index, calls, workers, *folders = arguments[1:]
  read = 0

  def clock():
    nonlocal read
    read += 1
    if read == int(calls):
      os.kill(os.getpid(), signal.SIGKILL)
    return time.monotonic()

  joined = []

  def join_once(*arguments):
    if not joined:
      joined.append(join(*arguments))
    return joined[0]

  join, hosts.join = hosts.join, join_once
  for folder in folders:
    result = loop.train(
      train_settings.run_of(
        {
          "model": "l4",
          "width": 2,
          "records": records,
          "batch_size": 4,
          "crops_per_tile": 4,
          "mixed_tiles": 4,
          "logdir": folder,
          "loss": LOSS,
          "strategy": "multi_worker",
          "workers": workers,
          "worker_index": int(index) if workers else -1,
          "max_steps": 20,
          "max_minutes": 60.0,
          "steps_per_call": 2,
          "log_every_steps": 2,
          "evaluate_every_steps": 10,
          "evaluation_tiles": 1,
          "checkpoint_every_steps": 4,
        }
      ),
      clock,
    )
    print(result.checkpoint, flush=True)


if __name__ == "__main__":
  program.run(main, takes_names=True)

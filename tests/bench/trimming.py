"""Training steps per second with glibc's defaults and with memory trimmed at 128 KiB.

TensorFlow's generator dataset, and so every distributed iterator, sets the second for the whole
process; the loop avoids it on one device. Each side has its own process, because the setting cannot
be undone.

make bench PART=training-trimming
"""

import subprocess
import sys

STEPS = 10
SIDE = f"""
import ctypes, sys, time
if sys.argv[1] == "trimmed":
  assert ctypes.CDLL(None).mallopt(-1, 128 * 1024)
import keras, tensorflow as tf
from deblock.launch.training import step
from deblock.model import losses
from deblock.model.networks import registry
from deblock.pipeline import batch
entry = registry.get("blockcnn")
network = entry.build(16, True)
optimizer = keras.optimizers.Adam(1e-3)
optimizer.build(network.trainable_variables)
crops = batch.Batch(
  tf.random.uniform((32, 24, 24, 3)), tf.random.uniform((32, 24, 24, 3)),
  tf.ones((32,), tf.int32), tf.ones((32, 2, 8, 8)))
strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
steps = step.training_steps(strategy, network, optimizer, losses.l1, entry, 32)
batches = iter(tf.data.Dataset.from_tensors(crops).repeat())
steps(batches, tf.constant(2))
began = time.perf_counter()
steps(batches, tf.constant({STEPS}))
print({STEPS} / (time.perf_counter() - began))
"""


def main():
  """Prints the rate of each side, and its ratio to the first."""
  rates = {
    side: float(
      subprocess.run(
        [sys.executable, "-c", SIDE, side], check=True, capture_output=True, text=True
      ).stdout.split()[-1]
    )
    for side in ("defaults", "trimmed")
  }
  for side, rate in rates.items():
    print(
      f"memory {side:<8} {rate:6.2f} steps/s of blockcnn, width 16, batch 32; "
      f"{rate / rates['defaults']:.2f} of the defaults"
    )


if __name__ == "__main__":
  main()

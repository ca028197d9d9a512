"""Training steps per second with freed memory kept and given back (see launch/allocator.py).

Each side runs in a process of its own, since the setting cannot be taken back. Run by `make bench`.
"""

import subprocess
import sys

STEPS = 10
SIDE = f"""
import sys, time
from deblock.launch import allocator
if sys.argv[1] == "kept":
  assert allocator.keep_freed_memory()
import keras, tensorflow as tf
from deblock.launch import step
from deblock.model import blockcnn, losses
from deblock.pipeline import batch
network = blockcnn.blockcnn(width=16)
optimizer = keras.optimizers.Adam(1e-3)
optimizer.build(network.trainable_variables)
crops = batch.Batch(
  tf.random.uniform((32, 24, 24, 3)), tf.random.uniform((32, 24, 24, 3)),
  tf.ones((32,), tf.int32), tf.ones((32, 2, 8, 8)))
strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
steps = step.training_steps(strategy, network, optimizer, losses.l1, 8, 32)
batches = iter(tf.data.Dataset.from_tensors(crops).repeat())
steps(batches, tf.constant(2))
began = time.perf_counter()
steps(batches, tf.constant({STEPS}))
print({STEPS} / (time.perf_counter() - began))
"""


def main():
  """Prints the rate of both sides and their ratio."""
  rates = {
    side: float(
      subprocess.run(
        [sys.executable, "-c", SIDE, side], check=True, capture_output=True, text=True
      ).stdout.split()[-1]
    )
    for side in ("kept", "given back")
  }
  for side, rate in rates.items():
    print(f"memory {side:<11} {rate:6.2f} steps/s of blockcnn, width 16, batch 32")
  print(f"ratio {rates['kept'] / rates['given back']:.2f}")


if __name__ == "__main__":
  main()

"""Two processes of this machine as the hosts of one run."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.launch.training import batches, loop
from deblock.pipeline import batch, dataset
from deblock.records.planning import config as records_config
from deblock.records.writing import writer

MOST_SECONDS = 150
# Twice in each call of two steps: the seventh of these, after the checkpoint of step 12.
DEADLY_CALL = 13


@pytest.fixture(scope="module")
def sharded(tmp_path_factory, picture):
  """A folder of records whose training shards are enough for two hosts."""
  root = tmp_path_factory.mktemp("workers")
  (root / "images").mkdir()
  for number in range(5):
    Image.fromarray(picture(96, 96, number)).save(root / "images" / f"{number}.png")
  settings = {"tile_size": 48, "test_share": 0.3, "shards": "3", "qualities": (10, 20)}
  writer.write(
    records_config.RecordsConfig(
      images=str(root / "images"), records=str(root / "records"), **settings
    )
  )
  return str(root / "records")


@contextlib.contextmanager
def _two_workers(command_of, environment_of):
  """Starts both workers, and leaves none behind."""
  script = str(pathlib.Path(__file__).with_name("two_workers.py"))
  with contextlib.ExitStack() as stack:
    running = []
    for index in range(2):
      process = subprocess.Popen(
        [sys.executable, script, *command_of(index)],
        env={
          **os.environ,
          "CUDA_VISIBLE_DEVICES": "-1",
          "TF_CPP_MIN_LOG_LEVEL": "3",
          **environment_of(index),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
      )
      stack.callback(process.wait)
      stack.callback(process.kill)
      running.append(process)
    yield running


def _finished(command_of, environment_of):
  """Returns exit status, output and messages of both workers."""
  with _two_workers(command_of, environment_of) as running:
    ended = [process.communicate(timeout=MOST_SECONDS) for process in running]
    return [(process.returncode, *texts) for process, texts in zip(running, ended, strict=True)]


def _free_addresses(count):
  with contextlib.ExitStack() as stack:
    doors = [stack.enter_context(socket.socket()) for _ in range(count)]
    for door in doors:
      door.bind(("127.0.0.1", 0))
    return [f"127.0.0.1:{door.getsockname()[1]}" for door in doors]


def _state(checkpoint):
  reader = tf.train.load_checkpoint(checkpoint)
  return {
    name: reader.get_tensor(name)
    for name in reader.get_variable_to_shape_map()
    if name.split("/")[0] in ("weights", "optimizer", "step")
  }


def _of_both_hosts(hosts, inputs, seed, manifest, first_step):
  """Returns what two hosts train on in a step, as the batches of one device."""
  del hosts
  streams = [
    dataset.training_dataset(
      inputs,
      manifest,
      seed,
      batch_size=inputs.batch_size // 2,
      first_batch=first_step,
      host=host,
      hosts=2,
    )
    for host in range(2)
  ]
  joined = tf.data.Dataset.zip(tuple(streams)).map(
    lambda one, other: batch.Batch(*(tf.concat(parts, 0) for parts in zip(one, other, strict=True)))
  )
  return iter(joined)


@pytest.mark.slow
def test_two_hosts_train_as_one_device_on_the_union_of_their_batches_through_a_kill(
  sharded, small_run, monkeypatch, tmp_path
):
  addresses = _free_addresses(2)
  disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
  temporary = tmp_path / "temporary"
  temporary.mkdir()

  # The chief is killed: the other notices at once, a chief by a heart that has stopped for 10 s.
  dead, left = _finished(
    lambda index: [
      sharded,
      str(index),
      str(0 if index else DEADLY_CALL),
      ",".join(addresses),
      str(disturbed),
    ],
    lambda index: {},
  )
  assert dead[0] < 0
  assert left[0] == 1, left[2]
  assert f"worker 0 ({addresses[0]}) is gone" in left[2]
  assert "Traceback" not in left[2]
  assert tf.train.latest_checkpoint(str(disturbed / "checkpoints")).endswith("-12")

  cluster = {"worker": _free_addresses(2)}
  ended = _finished(
    lambda index: [sharded, "0", "0", "", str(disturbed), str(undisturbed)],
    lambda index: {
      "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
      "TMPDIR": str(temporary),
    },
  )
  expected = [str(folder / "checkpoints" / "ckpt-20") for folder in (disturbed, undisturbed)]
  for status, output, messages in ended:
    assert status == 0, messages
    assert output.split() == expected

  monkeypatch.setattr(batches, "open_iterator", _of_both_hosts)
  one = loop.train(
    small_run(
      records=sharded,
      logdir=str(tmp_path / "one"),
      model="l4",
      loss="l1",  # As in two_workers.py.
      max_steps=20,
      checkpoint_every_steps=10,
      evaluate_every_steps=0,
    )
  )
  resumed, whole, single = (_state(path) for path in (*expected, one.checkpoint))
  assert whole.keys() == single.keys() == resumed.keys()
  farthest = max(float(np.abs(whole[name] - single[name]).max()) for name in whole)
  assert farthest < 1e-6
  for name, value in whole.items():
    np.testing.assert_array_equal(resumed[name], value, name)

  # Only the chief writes, and nothing of what the other saved is left.
  assert len(list(undisturbed.glob("events.out.tfevents.*.v2"))) == 1
  assert not list(temporary.glob("deblock-*"))

"""Which crops a run trains on: its stages, its hosts, and the place where it resumes."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.machines import feeding
from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.training import batches as batches_lib
from deblock.records.layout import manifest as manifest_lib


@pytest.fixture
def opened(monkeypatch):
  """Notes of (crop size, step) for which batches are opened, in place of batches."""
  asked = []

  def note(hosts, inputs, seed, manifest, step):
    del hosts, seed, manifest
    asked.append((inputs.crop_size, step))
    return f"batches from {step}"

  monkeypatch.setattr(batches_lib, "open_iterator", note)
  return asked


@pytest.fixture
def staged(small_settings):
  """A run of three stages."""
  return small_settings(crop_size=96, early_crop_sizes="32@0.25,64@0.5")


def _made(run, first_step, done):
  hosts = hosts_lib.Hosts(tf.distribute.OneDeviceStrategy("/cpu:0"))
  manifest = types.SimpleNamespace(folder="nowhere")
  return batches_lib.Batches(run, hosts, manifest, first_step, done)


def test_batches_are_opened_where_the_crop_size_changes_and_nowhere_else(opened, staged):
  batches = _made(staged, 0, 0.0)
  assert opened == [(32, 0)]
  found = [batches.at(step, step / 8) for step in range(8)]
  assert opened == [(32, 0), (64, 2), (96, 4)]
  assert found == [f"batches from {step}" for step in (0, 0, 2, 2, 4, 4, 4, 4)]


def test_a_run_that_resumes_enters_its_stage_at_its_step(opened, staged):
  _made(staged, 6, 0.5).at(6, 0.5)
  assert opened == [(96, 6)]


@pytest.fixture
def manifest(records):
  """A manifest with three training shards, which are the same file."""
  made = manifest_lib.load(records)
  train = [shard for shard in made.splits["train"] if shard.count]
  return dataclasses.replace(made, splits={"train": tuple(train[:1] * 3)})


@pytest.mark.parametrize(("count", "replicas"), [(2, 4), (3, 3)])
def test_a_step_takes_the_global_batch_and_a_run_resumes_where_it_was(
  small_run, manifest, monkeypatch, count, replicas
):
  run = small_run(batch_size=12, crops_per_tile=6)
  each = replicas // count
  monkeypatch.setattr(
    feeding,
    "batches",
    lambda hosts, make: [
      make(tf.distribute.InputContext(count, host, replicas)) for host in range(count)
    ],
  )
  streams = batches_lib.open_iterator(None, run.input, run.train.seed, manifest, 0)
  steps = [list(stream.take(3 * each).as_numpy_iterator()) for stream in streams]
  # Each replica of a host takes one of its batches in a step.
  sizes = [len(made.quality) for stream in steps for made in stream[:each]]
  assert (sum(sizes), len(sizes)) == (12, replicas)
  entered = batches_lib.open_iterator(None, run.input, run.train.seed, manifest, 2)
  for stream, expected in zip(entered, steps, strict=True):
    (first,) = stream.take(1).as_numpy_iterator()
    np.testing.assert_array_equal(first.clean, expected[2 * each].clean)

import dataclasses

import keras
import pytest

from deblock.model.networks import blockcnn_kodak, registry


def _small(width, residual):
  assert (width, residual) == (0, True)
  compressed = keras.Input((None, None, 3))
  features = keras.layers.BatchNormalization()(
    keras.layers.Conv2D(4, 3, padding="same")(compressed)
  )
  return keras.Model(compressed, keras.layers.Conv2D(3, 1)(features))


@pytest.fixture
def registered(monkeypatch):
  """Two networks; the second one predicts pixels only."""
  entry = registry.get("blockcnn_kodak")
  pixels = dataclasses.replace(
    entry, name="second", build=lambda width, residual: blockcnn_kodak.blockcnn_kodak(2, residual)
  )
  small = dataclasses.replace(
    entry,
    name="a",
    description="small",
    build=_small,
    blockwise=False,
    keeps_size=True,
    residual=True,
  )
  monkeypatch.setattr(registry, "_ENTRIES", {"second": pixels, "a": small})


def test_every_network_has_a_line_with_its_figures(registered, program_module):
  header, first, second = program_module("train").model_table().splitlines()
  assert header.split()[:4] == ["model", "parameters", "kMAC/pixel", "crop"]
  assert header.split()[-1] == "description"
  # The moving statistics are not trained; 27 * 4 + 4 * 3 = 120 multiply-accumulates.
  assert first.split()[:3] == ["a", str((27 + 1) * 4 + 8 + (4 + 1) * 3), "0.1"]
  # The defaults of its training, which are those of the entry that it is made from.
  assert first.split()[3:] == ["24", "128", "0.002", "l1", "5-95", "9,216", "small"]
  assert second.startswith("second ") and second.endswith(registry.get("second").description)
  assert len({line.index(word) for line, word in ((header, "description"), (first, "small"))}) == 1


def test_flags_that_are_not_given_have_the_defaults_of_the_network(program, monkeypatch):
  from deblock.launch.training import loop

  runs = []
  monkeypatch.setattr(loop, "train", lambda run, stop: runs.append(run) or 1 / 0)
  for flag in ("--crop_size=64", "--verbosity=-1"):
    program("train", "--records=r", "--logdir=l", "--model=deblocknet", flag, "--strategy=cpu")
  assert [run.input.crop_size for run in runs] == [64, 128]
  assert {(run.input.batch_size, run.train.max_steps) for run in runs} == {(16, 20_000)}


def test_a_recipe_gives_its_flags_and_those_behind_it_count_more(program):
  done = program("train", "--recipe=kodak", "--crop_size=60", "--records=r", "--logdir=l")
  assert "crop_size" in done.stderr and "60" in done.stderr
  done = program("train", "--recipe=kodak")
  assert (done.returncode, done.stderr) == (
    1,
    "deblock-train: records must name a folder: use --records=DIR.\n",
  )


def test_an_unknown_recipe_is_named_with_its_neighbour(program):
  done = program("train", "--recipe=fats")
  assert done.returncode == 1
  assert "one of default, fast, kodak, got 'fats'. Did you mean fast?" in done.stderr

import argparse
import dataclasses
import importlib
import pathlib

import numpy as np
from PIL import Image
import pytest

from deblock.model import pretrained
from deblock.model.networks import registry


@pytest.fixture
def bench(monkeypatch):
  """The function (name) -> the benchmark's module, which stands beside this file."""
  monkeypatch.syspath_prepend(str(pathlib.Path(__file__).parent))
  return importlib.import_module


def _row(rows, **changes):
  gains = {f"gain_q{quality}": 0.5 for quality in rows.QUALITIES}
  values = {"network": "arcnn:4", "minutes": 0.1, "seed": 0, "qualities": "10-40", "loss": "l2"}
  counts = {"parameters": 1451, "macs": 1400, "steps": 220, "megapixels": 16.2, "cpu_minutes": 0.1}
  return rows.Row(**{**values, **counts, **gains, "command": "make x MODELS='a,b'", **changes})


def test_the_budget_is_spent_evenly_from_where_training_began(bench):
  budget = bench("equal_rows").Budget(seconds=60.0, began=5.0)
  assert [budget.share(now) for now in (5.0, 35.0, 65.0, 99.0)] == [0.0, 0.5, 1.0, 1.0]


def test_a_row_comes_back_as_it_was_and_the_best_stands_first(bench, tmp_path):
  rows = bench("equal_rows")
  path = tmp_path / "table.csv"
  assert rows.load(path) == []
  first, second = _row(rows), _row(rows, network="deblocknet:width=8,units=1", gain_q40=0.9)
  rows.append(path, first)
  rows.append(path, second)
  assert rows.load(path) == [first, second]
  assert list(tmp_path.iterdir()) == [path]
  lines = rows.markdown(rows.load(path)).splitlines()
  assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1
  assert "deblocknet" in lines[2] and "+0.600" in lines[2] and "+0.500" in lines[3]


@pytest.mark.parametrize("change", [{"network": "l4"}, {"minutes": 0.2}, {"loss": "l1"}])
def test_rows_are_told_apart_by_what_was_asked_for_alone(bench, change):
  rows = bench("equal_rows")
  assert _row(rows, **change).key != _row(rows).key
  assert _row(rows, steps=1, gain_q10=0.0).key == _row(rows).key


def test_a_row_of_other_crops_or_another_rate_is_another_row(bench):
  command = bench("equal_time").command_of
  usual = {"minutes": 2.0, "seed": 0, "loss": "l1", "crop": 96, "rate": 1e-3}
  # Of the table in docs/equal_time.
  before = "make bench PART=networks-equal-time MINUTES=2 SEED=0 LOSS=l1 MODELS='arcnn'"
  assert command(argparse.Namespace(**usual), "arcnn") == before
  changed = command(argparse.Namespace(**{**usual, "crop": 128, "rate": 5e-4}), "arcnn")
  assert changed == before.replace("l1", "l1 CROP=128 RATE=0.0005")


def test_training_starts_from_pretrained_weights_of_the_same_layers_alone(bench):
  designs = bench("designs")
  network, _ = designs.build("deblocknet_fast@fast")
  trained, _ = pretrained.load("fast")
  for variable, expected in zip(network.weights, trained.weights, strict=True):
    np.testing.assert_array_equal(variable, expected)
  with pytest.raises(ValueError, match=r"deblocknet has no .*, which deblocknet_fast has"):
    designs.build("deblocknet@fast")
  with pytest.raises(ValueError, match="model must be one of default, fast, got 'fats'"):
    designs.parse("deblocknet@fats")


def test_a_trained_network_is_kept_until_it_is_evaluated(bench, tmp_path):
  equal_time, designs = bench("equal_time"), bench("designs")
  network, other = (designs.build("deblocknet:width=4,units=1")[0] for _ in range(2))
  network.set_weights([np.full(weight.shape, 0.5) for weight in network.weights])
  equal_time.keep(tmp_path / "kept.npz", network, 20, 1.5)
  assert equal_time.kept(tmp_path / "kept.npz", other) == (20, 1.5)
  assert all((weight == 0.5).all() for weight in other.get_weights())
  assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.parametrize(
  "change", [("0.5", "inf"), ("0.5", "high"), ("1451", "1e9"), ("l2", "l2,l2")]
)
def test_a_damaged_row_is_named_and_kept_and_the_others_are_shown(bench, tmp_path, capsys, change):
  rows = bench("equal_rows")
  path = tmp_path / "table.csv"
  first, second, third = (_row(rows, seed=seed) for seed in range(3))
  for row in (first, second):
    rows.append(path, row)
  header, one, other = path.read_text().splitlines()
  path.write_text("\n".join((header, one.replace(*change), other)) + "\n")
  assert rows.load(path) == [second]
  assert capsys.readouterr().err.startswith(f"{path}, line 2 is damaged: ")
  rows.append(path, third)
  assert rows.load(path) == [second, third]
  assert one.replace(*change) in path.read_text()


def test_another_table_is_refused(bench, tmp_path):
  path = tmp_path / "table.csv"
  path.write_text("image,quality\n")
  with pytest.raises(ValueError, match="not a table of this benchmark"):
    bench("equal_rows").load(path)


@pytest.mark.parametrize("name", ["arcnn:units=3", "deblocknet:width=-1", "deblocknet:depth=3"])
def test_settings_that_a_network_has_not_are_named(bench, name):
  with pytest.raises(ValueError, match=r"settings of .* are width"):
    bench("designs").parse(name)


def test_the_variant_of_the_usual_settings_is_deblocknet(bench):
  designs = bench("designs")
  built = designs.deblocknet(designs.Settings())
  shapes = [
    sorted(tuple(weight.shape) for weight in network.trainable_variables)
    for network in (built, registry.get("deblocknet").build(0, True))
  ]
  assert shapes[0] == shapes[1]
  assert {field.name for field in dataclasses.fields(designs.Settings)} >= {"width", "attention"}


def test_a_variant_is_told_how_far_it_sees(bench):
  _, entry = bench("designs").build("deblocknet:width=4,units=2,scale=4,kernel=5")
  assert entry.context == 48  # 4 times (1 + 2 units of 2 kernels of 2 pixels + 1 + 1), in blocks.
  assert not entry.pools


def test_the_first_images_are_measured_and_an_untrained_network_gains_nothing(bench, tmp_path):
  for name in "ab":
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)).save(
      tmp_path / f"{name}.png"
    )
  network, entry = bench("designs").build("deblocknet:width=8,units=1")
  found = bench("equal_time").gains(network, entry, tmp_path, 1)
  assert found == {f"gain_q{quality}": 0.0 for quality in (10, 20, 30, 40)}
  with pytest.raises(FileNotFoundError, match="holds no PNG images"):
    bench("equal_time").gains(network, entry, tmp_path / "none", 1)

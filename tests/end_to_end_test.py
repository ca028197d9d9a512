"""The programs as a user runs them, from image files to TensorBoard."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
from PIL import Image
import pytest

from deblock.records.photos import results

QUALITIES = (10, 20)
SIDE = 96
STEPS = 6
PROGRAM_SECONDS = 240
SERVER_SECONDS = 60

pytestmark = pytest.mark.slow


def _run(name, *arguments):
  """Runs a program in a process of its own, which must succeed; returns the lines it printed."""
  done = subprocess.run(
    [sys.executable, "-m", f"deblock.launch.{name}", *map(str, arguments)],
    env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    capture_output=True,
    text=True,
    timeout=PROGRAM_SECONDS,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout.splitlines()


def _write_images(folder):
  folder.mkdir()
  rows, columns = np.mgrid[:SIDE, :SIDE]
  for number in range(5):
    waves = np.sin(columns / (5 + number))[..., None] * (60, 40, 25)
    waves = waves + 50 * np.cos(rows / (7 + number))[..., None]
    noise = np.random.default_rng(number).normal(0, 6, (SIDE, SIDE, 3))
    pixels = np.clip(128 + waves + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{number}.png")
  (folder / "broken.png").write_bytes(b"no picture at all")


def _after(lines, label):
  """Returns what stands after "label: " in each line that begins so."""
  return [line.removeprefix(f"{label}: ") for line in lines if line.startswith(f"{label}: ")]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
  """A folder with images, records and a run, what the programs printed, and training's flags."""
  folder = tmp_path_factory.mktemp("work")
  _write_images(folder / "images")
  printed = {
    "records": _run(
      "build_records",
      f"--images={folder / 'images'}",
      f"--records={folder / 'records'}",
      f"--qualities={','.join(map(str, QUALITIES))}",
      "--tile_size=48",
      "--test_share=0.3",
    )
  }
  train = (
    f"--records={folder / 'records'}",
    f"--logdir={folder / 'run'}",
    "--model=blockcnn_kodak",
    "--noresidual",
    "--width=2",
    "--batch_size=4",
    "--crops_per_tile=4",
    "--mixed_tiles=4",
    f"--max_steps={STEPS}",
    "--jit_compile=false",  # Compiling takes longer than so few steps.
    "--steps_per_call=2",
    "--log_every_steps=2",
    "--evaluate_every_steps=4",
    "--checkpoint_every_steps=4",
    "--evaluation_tiles=1",
    "--profile_steps=2",
  )
  printed["train"] = _run("train", *train)
  return folder, printed, train


def test_the_broken_file_is_reported_and_costs_no_other(work):
  folder, printed, _ = work
  manifest = json.loads((folder / "records" / "manifest.json").read_text())
  (skipped,) = manifest["skipped"]
  assert skipped["path"] == str(folder / "images" / "broken.png")
  assert skipped["reason"]
  assert [image["id"] for image in manifest["images"]] == [f"{number}.png" for number in range(5)]
  assert any(str(folder / "images" / "broken.png") in line for line in printed["records"])
  assert _after(printed["records"], "records") == [str(folder / "records")]


def test_training_tells_where_its_checkpoint_is(work):
  folder, printed, _ = work
  assert printed["train"][0].startswith(f"trained to step {STEPS} ")
  (checkpoint,) = _after(printed["train"], "checkpoint")
  assert pathlib.Path(checkpoint).is_relative_to(folder / "run")
  assert pathlib.Path(f"{checkpoint}.index").exists()
  assert any(f"tensorboard --logdir={folder / 'run'}" in line for line in printed["train"])
  assert (folder / "run" / "run.json").exists()


def test_training_leaves_its_curves_and_the_profile_that_was_asked_for(work):
  folder, *_ = work
  with Image.open(folder / "run" / "curves.png") as picture:
    assert picture.format == "PNG"
  assert len(list((folder / "run").glob("plugins/profile/*/*.xplane.pb"))) == 1


def test_the_run_is_found_with_what_it_reached(work, program):
  folder, *_ = work
  head, row = program("runs", folder, "--format=csv").stdout.splitlines()
  values = dict(zip(head.split(","), row.split(","), strict=True))
  assert (values["run"], values["state"], values["step"]) == ("run", "finished", str(STEPS))
  written = (folder / "run" / "metrics.jsonl").read_text()
  entries = [json.loads(line) for line in written.splitlines()]
  best = max(entry.get("eval/gain_db/mean", -1e9) for entry in entries)
  assert float(values["held-out gain dB"]) == pytest.approx(best, abs=5e-4)


def test_a_second_run_has_nothing_to_do(work, program):
  _, printed, train = work
  done = program("train", *train)
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  assert lines[0].startswith("nothing to do")
  assert _after(lines, "checkpoint") == _after(printed["train"], "checkpoint")


def test_evaluation_saves_what_it_prints(work, tmp_path):
  folder, *_ = work
  lines = _run("evaluate", f"--logdir={folder / 'run'}", f"--output={tmp_path / 'out'}")
  rows = json.loads((tmp_path / "out" / "evaluation.json").read_text())
  columns = {"image", "quality", "psnr_jpeg", "psnr", "ssim_jpeg", "ssim"}
  assert all(columns <= row.keys() for row in rows)
  manifest = json.loads((folder / "records" / "manifest.json").read_text())
  held_out = [image["id"] for image in manifest["images"] if image["split"] == "test"]
  found = [(row["image"], row["quality"]) for row in rows]
  assert sorted(found) == sorted((n, q) for n in [*held_out, "mean"] for q in QUALITIES)
  for row in rows:
    assert 15 < row["psnr_jpeg"] < 50 and 0 < row["ssim_jpeg"] < 1
    assert 0 < row["psnr"] < 50 and -1 < row["ssim"] < 1
  for quality in QUALITIES:
    ones = [row for row in rows if row["quality"] == quality]
    (mean,) = (row for row in ones if row["image"] == "mean")
    expected = np.mean([row["psnr"] for row in ones if row["image"] != "mean"])
    assert mean["psnr"] == pytest.approx(expected)
    assert any(f"{mean['psnr']:.3f}" in line for line in lines if line.startswith("mean"))
  assert (tmp_path / "out" / "evaluation.csv").exists()
  assert any(str(tmp_path / "out") in line for line in lines)


def test_comparing_draws_a_picture_of_each_image_and_quality(work, tmp_path):
  folder, *_ = work
  lines = _run(
    "compare",
    f"--logdir={folder / 'run'}",
    f"--images={folder / 'images' / '3.png'}",
    "--qualities=15",
    f"--output={tmp_path}",
  )
  (path,) = _after(lines, "picture")
  (report,) = _after(lines, "report")
  (sheet,) = _after(lines, "contact sheet")
  written = {path, report.partition(" (")[0], sheet, str(tmp_path / results.NAME)}
  assert {str(found) for found in tmp_path.iterdir()} == written
  with Image.open(path) as picture:
    assert picture.format == "PNG"
    width, height = picture.size
  # Three panels beside each other, and an enlarged square below them.
  assert width > 3 * SIDE and height > SIDE + 64


def test_an_output_that_cannot_be_written_is_named(work, program, tmp_path):
  folder, *_ = work
  taken = tmp_path / "taken"
  taken.write_text("a file")
  done = program("compare", f"--logdir={folder / 'run'}", f"--output={taken}")
  assert done.returncode == 1
  (line,) = done.stderr.splitlines()
  assert str(taken) in line
  assert "output" in line.replace(str(taken), "")


def _fetch(url):
  with urllib.request.urlopen(url, timeout=SERVER_SECONDS) as answer:
    return json.load(answer)


def _sessions(root):
  """Returns what the page of hyperparameters shows of each run."""
  asked = {
    "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
    "startIndex": 0,
    "sliceSize": 10,
  }
  request = urllib.request.Request(
    f"{root}/data/plugin/hparams/session_groups",
    data=json.dumps(asked).encode(),
    headers={"Content-Type": "application/json"},
  )
  for group in _fetch(request)["sessionGroups"]:
    yield {
      "name": group["name"],
      "hparams": group["hparams"],
      "metrics": [value["name"]["tag"] for value in group["metricValues"]],
      "status": group["sessions"][0]["status"],
    }


def _poll(condition, what):
  """Returns the condition's first true value; it is asked for until a deadline."""
  deadline = time.monotonic() + SERVER_SECONDS
  while time.monotonic() < deadline:
    found = condition()
    if found:
      return found
  raise AssertionError(f"no {what} within {SERVER_SECONDS} s")


def test_tensorboard_shows_what_was_logged(work, tmp_path):
  folder, *_ = work
  log = tmp_path / "log"
  with log.open("w") as stream:
    server = subprocess.Popen(
      [
        *(sys.executable, "-m", "tensorboard.main"),
        # The folder above: of a run by itself, TensorBoard shows no figures beside its settings.
        *("--logdir", folder, "--host", "127.0.0.1", "--port", "0"),
        *("--load_fast", "false"),
      ],
      stdout=stream,
      stderr=subprocess.STDOUT,
    )

  def address():
    assert server.poll() is None, log.read_text()
    return re.search(r"http://[^\s:]+:(\d+)/", log.read_text())

  def tags(plugin):
    return _fetch(f"{root}/data/plugin/{plugin}/tags").get("run")

  try:
    root = f"http://127.0.0.1:{_poll(address, 'address').group(1)}"
    scalars = _poll(lambda: tags("scalars"), "scalars")
    first = ("held_out_gain_db", "speed_crops_per_second", "train_gain_db", "train_loss")
    expected = {f"1_overview/{name}" for name in first}
    for quality in QUALITIES:
      names = ("psnr_db", "psnr_b_db", "ssim", "gain_db")
      expected |= {f"2_held_out/{name}/q{quality}" for name in names}
    expected |= {f"3_training/{name}" for name in ("learning_rate", "waiting_share", "weight_norm")}
    assert expected <= scalars.keys()
    series = _fetch(f"{root}/data/plugin/scalars/scalars?run=run&tag=1_overview/train_loss")
    assert [step for _, step, _ in series] == [2, 4, 6]
    assert all(0 < loss < 1 for _, _, loss in series)
    series = _fetch(f"{root}/data/plugin/scalars/scalars?run=run&tag=2_held_out/gain_db/q10")
    assert [step for _, step, _ in series] == [4, 6]
    assert list(_poll(lambda: tags("images"), "images")) == ["eval/tile_0/q10"]
    # The JPEGs' own figures lie beside the network's, to be drawn in the same charts.
    beside = _fetch(f"{root}/data/plugin/scalars/tags")["run/jpeg"].keys()
    assert {"2_held_out/psnr_db/q10", "2_held_out/ssim/q20"} <= beside < scalars.keys()
    assert {"run/settings", "run/environment"} <= set(
      _poll(lambda: _fetch(f"{root}/data/plugin/text/tags").get("run"), "texts")
    )
    (text,) = _fetch(f"{root}/data/plugin/text/text?run=run&tag=run/settings")
    assert "--max_steps=6" in text["text"]
    (session,) = _sessions(root)
    assert session["status"] == "STATUS_SUCCESS"
    assert session["name"] == f"{folder.name}/run"
    assert session["hparams"]["width"] == 2 and session["hparams"]["batch_size"] == 4
    assert "1_overview/held_out_gain_db" in session["metrics"]
  finally:
    server.kill()
    server.wait()

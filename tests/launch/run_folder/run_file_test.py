import dataclasses
import json
import pathlib
import re

import pytest

from deblock.launch.run_folder import run_file
from deblock.launch.settings import train as train_settings


def test_settings_survive_saving_and_loading(small_settings, tmp_path):
  run = small_settings(qualities=(10, 20), learning_rate=1e-3, schedule="constant", augment=False)
  pathlib.Path(run.train.logdir).mkdir()
  run_file.save(run)
  assert run_file.load(run.train.logdir) == run
  assert [path.name for path in (tmp_path / "run").iterdir()] == [run_file.FILE]


def test_the_file_holds_every_setting_in_its_part(small_settings, tmp_path):
  run = small_settings(logdir=str(tmp_path))
  run_file.save(run)
  held = json.loads((tmp_path / run_file.FILE).read_text())
  assert list(held) == list(train_settings.PARTS)
  for name, part in train_settings.PARTS.items():
    assert list(held[name]) == [field.name for field in dataclasses.fields(part)]


def _save_as_older_runs_did(run, without=()):
  """Writes a run's settings with all of training in one part, some of them missing."""
  path = pathlib.Path(run.train.logdir) / run_file.FILE
  held = dataclasses.asdict(run)
  training = ("optimization", "watching", "stopping", "cluster", "train")
  held["train"] = {name: value for part in training for name, value in held.pop(part).items()}
  for name in without:
    del held["train"][name]
  path.write_text(json.dumps(held))


def test_an_older_run_is_loaded_and_continued(small_settings, tmp_path):
  run = small_settings(logdir=str(tmp_path), qualities=(10,), learning_rate=0.5, keep_checkpoints=9)
  _save_as_older_runs_did(run)
  assert set(json.loads((tmp_path / run_file.FILE).read_text())) == {"model", "input", "train"}
  assert run_file.load(str(tmp_path)) == run
  run_file.check_continues(run)
  with pytest.raises(ValueError, match=r"learning_rate was 0\.5, now 0\.25\)"):
    run_file.check_continues(
      small_settings(logdir=str(tmp_path), qualities=(10,), learning_rate=0.25, keep_checkpoints=9)
    )


@pytest.mark.parametrize(
  "since",
  [
    ("optimizer", "ema_decay", "precision", "accumulate_steps", "init_from", "max_epochs"),
    ("keep_checkpoints", "best_metric", "stop_after_evaluations", "restore_best"),
    ("workers", "worker_index", "peers_timeout_seconds"),
    ("profile_steps",),
  ],
)
def test_settings_that_an_older_run_lacks_have_their_defaults(small_settings, tmp_path, since):
  run = small_settings(logdir=str(tmp_path))
  _save_as_older_runs_did(run, since)
  assert run_file.load(str(tmp_path)) == run
  run_file.check_continues(run)


def test_a_folder_without_a_run_says_so(tmp_path):
  with pytest.raises(FileNotFoundError, match=f"{tmp_path} holds no run: it has no run.json"):
    run_file.load(str(tmp_path))


@pytest.mark.parametrize(
  "damage",
  [
    lambda text: text[:40],
    lambda text: "[]",
    lambda text: '{"model": 1, "input": 2, "train": 3}',
    lambda text: text.replace('"input"', '"inputs"'),
    lambda text: text.replace('"width"', '"breadth"'),
  ],
  ids=["truncated", "no mapping", "no parts", "part missing", "unknown field"],
)
def test_a_damaged_file_is_named(small_settings, tmp_path, damage):
  run_file.save(small_settings(logdir=str(tmp_path)))
  path = tmp_path / run_file.FILE
  path.write_text(damage(path.read_text()))
  with pytest.raises(ValueError, match=re.escape(str(path))):
    run_file.load(str(tmp_path))


def test_an_empty_folder_can_be_started_in(small_settings, tmp_path):
  run_file.check_continues(small_settings(logdir=str(tmp_path)))
  assert not list(tmp_path.iterdir())


def test_a_run_may_continue_longer_elsewhere_and_on_other_devices(small_settings, tmp_path):
  logdir = str(tmp_path)
  saved = small_settings(logdir=logdir)
  run_file.save(saved)
  run_file.check_continues(
    small_settings(
      logdir=logdir,
      max_steps=100,
      max_minutes=5.0,
      strategy="auto",
      records="moved",
      data_service="grpc://elsewhere:5050",
      max_epochs=3.0,
      accumulate_steps=2,
      jit_compile="true",
      workers="a:1,b:1",
      worker_index=1,
      peers_timeout_seconds=5.0,
      keep_checkpoints=7,
      best_metric="eval/ssim/q10",
      stop_after_evaluations=3,
      restore_best=True,
      log_every_steps=4,
      evaluate_every_steps=2,
      evaluation_tiles=3,
      profile_steps=2,
    )
  )
  assert run_file.load(logdir) == saved


def test_every_setting_that_differs_is_named_with_both_values(small_settings, tmp_path):
  logdir = str(tmp_path)
  run_file.save(small_settings(logdir=logdir, learning_rate=0.002))
  with pytest.raises(ValueError, match=f"{logdir} holds a run with other settings") as error:
    run_file.check_continues(
      small_settings(logdir=logdir, learning_rate=0.001, width=3, batch_size=8)
    )
  for words in (
    "learning_rate was 0.002, now 0.001",
    "width was 2, now 3",
    "batch_size was 4, now 8",
    "--logdir",
  ):
    assert words in str(error.value)
  assert "crop_size" not in str(error.value)

import dataclasses
import json
import pathlib

import pytest

from deblock.launch.machines import cluster_config
from deblock.launch.settings import train as train_settings


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
    ({"steps_per_call": 0}, "steps_per_call must be at least 1, got 0"),
    ({"log_every_steps": 0}, "log_every_steps must be at least 1, got 0"),
    ({"checkpoint_every_steps": -5}, "checkpoint_every_steps must be at least 1, got -5"),
    ({"max_minutes": -1.0}, r"max_minutes must be at least 0, got -1\.0"),
    ({"warmup_steps": -1}, "warmup_steps must be at least 0, got -1"),
    ({"evaluate_every_steps": -1}, "evaluate_every_steps must be at least 0, got -1"),
    ({"evaluation_tiles": -1}, "evaluation_tiles must be at least 0, got -1"),
    ({"seed": -1}, "seed must be at least 0, got -1"),
    ({"log_every_steps": 15}, "log_every_steps must be a multiple of steps_per_call, 10, got 15"),
    ({"evaluate_every_steps": 5}, "evaluate_every_steps must be a multiple of .*, 10, got 5"),
    ({"checkpoint_every_steps": 7}, "checkpoint_every_steps must be a multiple of .*, 10, got 7"),
    ({"learning_rate": 0.0}, r"learning_rate must be positive, got 0\.0"),
    ({"learning_rate": float("nan")}, "learning_rate must be positive, got nan"),
    ({"schedule": "linear"}, "schedule must be one of constant, cosine, step, got 'linear'"),
    ({"strategy": "cloud"}, "strategy must be one of auto, cpu, .*, tpu, got 'cloud'"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    train_settings.TrainConfig(**change)


def test_settings_survive_saving_and_loading(small_run, tmp_path):
  run = small_run(qualities=(10, 20), learning_rate=1e-3, schedule="constant", augment=False)
  pathlib.Path(run.train.logdir).mkdir()
  train_settings.save(run)
  assert train_settings.load(run.train.logdir) == run
  assert [path.name for path in (tmp_path / "run").iterdir()] == [train_settings.RUN_FILE]


def test_the_file_holds_every_setting(small_run, tmp_path):
  run = small_run(logdir=str(tmp_path))
  train_settings.save(run)
  held = json.loads((tmp_path / train_settings.RUN_FILE).read_text())
  for part in dataclasses.fields(run):
    names = [field.name for field in dataclasses.fields(getattr(run, part.name))]
    assert list(held[part.name]) == names


def test_a_run_from_before_there_was_a_choice_of_optimisers_loads(small_run, tmp_path):
  run = small_run(logdir=str(tmp_path))
  train_settings.save(run)
  path = tmp_path / train_settings.RUN_FILE
  held = json.loads(path.read_text())
  since = ("optimizer", "ema_decay", "precision", "accumulate_steps", "init_from", "max_epochs")
  for name in since:
    del held["train"][name]
  path.write_text(json.dumps(held))
  assert train_settings.load(str(tmp_path)) == run
  train_settings.check_continues(run)


def test_a_folder_without_a_run_says_so(tmp_path):
  with pytest.raises(FileNotFoundError, match=f"{tmp_path} holds no run: it has no run.json"):
    train_settings.load(str(tmp_path))


@pytest.mark.parametrize(
  "damage",
  [
    lambda text: text[:40],
    lambda text: "[]",
    lambda text: text.replace('"input"', '"inputs"'),
    lambda text: text.replace('"width"', '"breadth"'),
  ],
  ids=["truncated", "no mapping", "part missing", "unknown field"],
)
def test_a_damaged_file_is_named(small_run, tmp_path, damage):
  train_settings.save(small_run(logdir=str(tmp_path)))
  path = tmp_path / train_settings.RUN_FILE
  path.write_text(damage(path.read_text()))
  with pytest.raises(ValueError, match=f"{path} does not hold the settings of a run"):
    train_settings.load(str(tmp_path))


def test_an_empty_folder_can_be_started_in(small_run, tmp_path):
  train_settings.check_continues(small_run(logdir=str(tmp_path)))


def test_a_run_may_go_on_longer_elsewhere_and_on_other_devices(small_run, tmp_path):
  logdir = str(tmp_path)
  train_settings.save(small_run(logdir=logdir))
  train_settings.check_continues(
    small_run(
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
    )
  )


def test_settings_from_before_there_were_workers_are_those_of_one_machine(small_run, tmp_path):
  run = small_run(logdir=str(tmp_path))
  train_settings.save(run)
  path = tmp_path / train_settings.RUN_FILE
  held = json.loads(path.read_text())
  for name in cluster_config.FREE:
    del held["train"][name]
  path.write_text(json.dumps(held))
  assert train_settings.load(str(tmp_path)) == run
  train_settings.check_continues(run)


def test_every_setting_that_differs_is_named_with_both_values(small_run, tmp_path):
  logdir = str(tmp_path)
  train_settings.save(small_run(logdir=logdir, learning_rate=0.002))
  with pytest.raises(ValueError, match=f"{logdir} holds a run with other settings") as error:
    train_settings.check_continues(
      small_run(logdir=logdir, learning_rate=0.001, width=3, batch_size=8)
    )
  for words in (
    "learning_rate was 0.002, now 0.001",
    "width was 2, now 3",
    "batch_size was 4, now 8",
    "--logdir",
  ):
    assert words in str(error.value)
  assert "crop_size" not in str(error.value)

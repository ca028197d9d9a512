import dataclasses

import pytest

from deblock.launch.machines import cluster
from deblock.launch.settings import train as train_settings


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
    ({"steps_per_call": 0}, "steps_per_call must be at least 1, got 0"),
    ({"log_every_steps": 0}, "log_every_steps must be at least 1, got 0"),
    ({"checkpoint_every_steps": -5}, "checkpoint_every_steps must be at least 1, got -5"),
    ({"max_minutes": -1.0}, r"max_minutes must be at least 0, got -1\.0"),
    ({"evaluate_every_steps": -1}, "evaluate_every_steps must be at least 0, got -1"),
    ({"evaluation_tiles": -1}, "evaluation_tiles must be at least 0, got -1"),
    ({"profile_steps": -5}, "profile_steps must be at least 0, got -5"),
    ({"seed": -1}, "seed must be at least 0, got -1"),
    ({"log_every_steps": 15}, "log_every_steps must be a multiple of steps_per_call, 10, got 15"),
    ({"evaluate_every_steps": 5}, "evaluate_every_steps must be a multiple of .*, 10, got 5"),
    ({"checkpoint_every_steps": 7}, "checkpoint_every_steps must be a multiple of .*, 10, got 7"),
    ({"profile_steps": 15}, "profile_steps must be a multiple of steps_per_call, 10, got 15"),
    ({"strategy": "cloud"}, "strategy must be one of auto, cpu, .*, tpu, got 'cloud'"),
    ({"learning_rate": 0.0}, r"learning_rate must be positive, got 0\.0"),
    ({"keep_checkpoints": 0}, "keep_checkpoints must be at least 1, got 0"),
    ({"best_metric": "loss"}, "best_metric must be .* such as eval/gain_db .*, got 'loss'"),
    ({"best_metric": "eval/psnr_db/10"}, "best_metric must be .*, got 'eval/psnr_db/10'"),
    ({"stop_after_evaluations": -1}, "stop_after_evaluations must be at least 0, got -1"),
    (
      {"stop_after_evaluations": 2, "evaluate_every_steps": 0},
      "stop_after_evaluations needs evaluations: evaluate_every_steps must be at least 1, got 0",
    ),
    (
      {"stop_after_evaluations": 2, "evaluation_tiles": 0},
      "stop_after_evaluations needs evaluations: evaluation_tiles must be at least 1, got 0",
    ),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    train_settings.run_of(change)


def test_settings_reach_the_part_that_has_them_and_come_back_by_name():
  changes = {
    "width": 3,
    "qualities": (10, 20),
    "seed": 7,
    "ema_decay": 0.5,
    "evaluation_tiles": 2,
    "restore_best": True,
    "workers": "a:1,b:1",
    "worker_index": 1,
  }
  run = train_settings.run_of(changes)
  assert (run.model.width, run.input.qualities, run.train.seed) == (3, (10, 20), 7)
  assert (run.optimization.ema_decay, run.watching.evaluation_tiles) == (0.5, 2)
  assert run.stopping.restore_best and run.cluster.worker_index == 1
  found = train_settings.settings_of(run)
  assert changes.items() <= found.items()
  assert train_settings.run_of(found) == run
  with pytest.raises(TypeError, match="no settings breadth"):
    train_settings.run_of({"breadth": 1})


def test_no_two_parts_have_a_setting_of_the_same_name():
  names = [
    field.name for part in train_settings.PARTS.values() for field in dataclasses.fields(part)
  ]
  assert len(set(names)) == len(names)


def test_settings_of_one_machine_may_differ_and_no_others(small_settings):
  one = small_settings(worker_index=0, workers="a:1,b:1", logdir="here", strategy="auto")
  other = small_settings(
    worker_index=1, workers="a:1,b:1", logdir="there", strategy="auto", records="elsewhere"
  )
  agreed = train_settings.settings_to_agree_on(one)
  assert agreed == train_settings.settings_to_agree_on(other)
  own = {field.name for field in dataclasses.fields(cluster.ClusterConfig)}
  assert set(train_settings.settings_of(one)) - set(agreed) == (
    own | {"records", "logdir", "strategy", "data_service"}
  )


@pytest.mark.parametrize(
  ("asked", "stored", "expected"),
  [
    ("few", tuple(range(10, 61)), (10, 26, 43, 60)),
    ("few", (40, 10, 20), (40, 10, 20)),
    ("all", tuple(range(5, 20)), tuple(range(5, 20))),
    ("10,40", (10, 20, 30, 40), (10, 40)),
  ],
)
def test_a_run_is_evaluated_at_few_qualities_unless_more_are_asked_for(asked, stored, expected):
  watching = train_settings.WatchingConfig(evaluation_qualities=asked)
  assert train_settings.evaluated_qualities(watching, stored) == expected


def test_qualities_that_are_not_stored_are_named():
  watching = train_settings.WatchingConfig(evaluation_qualities="10,70-72")
  with pytest.raises(ValueError, match="among the stored ones, 10-60, got 70-72"):
    train_settings.evaluated_qualities(watching, tuple(range(10, 61)))
  with pytest.raises(ValueError, match="evaluation_qualities must be whole numbers"):
    train_settings.WatchingConfig(evaluation_qualities="some")

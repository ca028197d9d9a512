import json
import pathlib

import pytest

from deblock.launch.settings import stopping_config
from deblock.launch.settings import train as train_settings


@pytest.mark.parametrize(
  ("change", "message"),
  [
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
    train_settings.TrainConfig(**change)


def test_a_run_goes_on_with_others_of_these(small_run):
  run = small_run()
  pathlib.Path(run.train.logdir).mkdir()
  train_settings.save(run)
  others = {
    "keep_checkpoints": 7,
    "best_metric": "eval/ssim/q10",
    "stop_after_evaluations": 3,
    "restore_best": True,
  }
  assert set(others) == stopping_config.FREE
  train_settings.check_continues(small_run(**others))


def test_a_run_from_before_there_were_these_is_loaded(small_run):
  run = small_run()
  pathlib.Path(run.train.logdir).mkdir()
  train_settings.save(run)
  path = pathlib.Path(run.train.logdir) / train_settings.RUN_FILE
  held = json.loads(path.read_text())
  for name in stopping_config.FREE:
    del held["train"][name]
  path.write_text(json.dumps(held))
  assert train_settings.load(run.train.logdir) == run

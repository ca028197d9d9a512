import dataclasses
import json
import pathlib

import pytest

from deblock.launch.settings import train as train_settings
from deblock.launch.settings import watching_config


@pytest.mark.parametrize(
  ("name", "value", "rule"),
  [
    ("log_every_steps", 0, "at least 1, got 0"),
    ("evaluate_every_steps", -1, "at least 0, got -1"),
    ("evaluation_tiles", -2, "at least 0, got -2"),
    ("profile_steps", -5, "at least 0, got -5"),
    ("profile_steps", 15, "a multiple of steps_per_call, 10, got 15"),
  ],
)
def test_a_value_out_of_range_is_refused_by_name(name, value, rule):
  with pytest.raises(ValueError, match=f"{name} must be {rule}"):
    train_settings.TrainConfig(**{name: value})


def test_it_may_stand_before_and_behind_other_parts():
  checked = []

  @dataclasses.dataclass(frozen=True)
  class Other:
    other: int = 0

    def __post_init__(self):
      checked.append(self.other)

  @dataclasses.dataclass(frozen=True)
  class Both(watching_config.WatchingConfig, Other):
    pass

  Both(other=3)
  with pytest.raises(ValueError, match="profile_steps"):
    Both(profile_steps=-1)
  assert checked == [3, 0]


def test_a_run_from_before_there_were_profiles_is_continued_with_one(small_run):
  run = small_run(profile_steps=2)
  folder = pathlib.Path(run.train.logdir)
  folder.mkdir(parents=True)
  train_settings.save(run)
  path = folder / train_settings.RUN_FILE
  values = json.loads(path.read_text())
  del values["train"]["profile_steps"]
  path.write_text(json.dumps(values))
  assert train_settings.load(str(folder)).train.profile_steps == 0
  train_settings.check_continues(run)

import dataclasses

import pytest

from deblock.launch.settings import train as train_settings
from deblock.launch.training import endings, watch

COMMAND = ["/usr/bin/deblock-train", "--logdir=my run", "--max_steps=50"]
NONE = watch.BestSoFar("eval/gain_db")


def _summary(ending, trained=True, found=NONE, command=COMMAND, **changes):
  run = train_settings.run_of({"logdir": "my run", "max_steps": 50, **changes})
  result = endings.Result("my run/checkpoints/ckpt-30", 30, 90.0, trained, ending, found)
  return endings.summary(result, run, command).splitlines()


def test_a_run_that_was_stopped_says_how_to_resume():
  first, *_, last = _summary(endings.STOPPED)
  assert first == "stopped and saved at step 30 of 50, 1.5 minutes."
  assert last == "resume with: deblock-train '--logdir=my run' --max_steps=50"
  *_, last = _summary(endings.STOPPED, command=["/some/where/launch/train.py", "--max_steps=50"])
  assert last == "resume with: python -m deblock.launch.train --max_steps=50"


@pytest.mark.parametrize(
  ("ending", "trained", "first"),
  [
    (endings.FINISHED, True, "trained to step 30 in 1.5 minutes."),
    (endings.FINISHED, False, "nothing to do: the run is at step 30 of 50 already."),
    (
      endings.STALLED,
      False,
      "ended at step 30 of 50, 1.5 minutes: 4 evaluations in a row were no better than that of "
      "step 10.",
    ),
  ],
)
def test_other_endings_say_how_far_it_came(ending, trained, first):
  lines = _summary(ending, trained, watch.BestSoFar("eval/gain_db", 0.5, 10, since=4))
  assert lines[0] == first
  assert lines[1] == "checkpoint: my run/checkpoints/ckpt-30"
  assert not any("resume with" in line for line in lines)


def test_the_best_checkpoint_is_named_with_how_to_use_it():
  found = watch.BestSoFar("eval/gain_db", 0.5, 10)
  (line,) = (line for line in _summary(endings.FINISHED, found=found) if "best" in line)
  assert "my run/checkpoints/best (step 10: eval/gain_db 0.5000)" in line
  assert line.endswith("--checkpoint=best")
  (line,) = (
    line for line in _summary(endings.FINISHED, found=found, restore_best=True) if "best" in line
  )
  assert line.endswith("--checkpoint=best and by default")
  assert not any("best" in line for line in _summary(endings.FINISHED))


@pytest.mark.parametrize(
  ("step", "seconds", "done"), [(10, 30.0, 0.5), (25, 30.0, 0.5), (40, 30.0, 0.8), (0, 90.0, 1.5)]
)
def test_a_run_is_over_by_its_steps_or_its_minutes(step, seconds, done):
  run = train_settings.run_of({"max_steps": 50, "max_minutes": 1.0})
  assert endings.share_done(run.train, step, seconds) == done
  ending = endings.ending_at(run, step, seconds, NONE)
  assert ending == (endings.FINISHED if done >= 1 else "")


def test_a_run_is_over_when_too_many_evaluations_were_not_the_best():
  run = train_settings.run_of({"max_steps": 50, "stop_after_evaluations": 2})
  found = [endings.ending_at(run, 9, 0.0, dataclasses.replace(NONE, since=n)) for n in range(3)]
  assert found == ["", "", endings.STALLED]

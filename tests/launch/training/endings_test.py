import pytest

from deblock.launch.settings import train as train_settings
from deblock.launch.training import best, endings, session

COMMAND = ["/usr/bin/deblock-train", "--logdir=my run", "--max_steps=50"]


NONE = best.Best("eval/gain_db")


def _told(ending, trained=True, found=NONE, command=COMMAND, **changes):
  settings = train_settings.TrainConfig(logdir="my run", max_steps=50, **changes)
  result = session.Result("my run/checkpoints/ckpt-30", 30, 90.0, trained, ending, found)
  return endings.told(result, settings, command).splitlines()


def test_a_run_that_was_stopped_says_how_to_go_on():
  first, *_, last = _told(session.STOPPED)
  assert first == "stopped and saved at step 30 of 50, 1.5 minutes."
  assert last == "go on with: deblock-train '--logdir=my run' --max_steps=50"
  *_, last = _told(session.STOPPED, command=["/some/where/launch/train.py", "--max_steps=50"])
  assert last == "go on with: python -m deblock.launch.train --max_steps=50"


@pytest.mark.parametrize(
  ("ending", "trained", "first"),
  [
    (session.FINISHED, True, "trained to step 30 in 1.5 minutes."),
    (session.FINISHED, False, "nothing to do: the run is at step 30 of 50 already."),
    (
      session.STALLED,
      False,
      "ended at step 30 of 50, 1.5 minutes: 4 evaluations in a row were no better than that of "
      "step 10.",
    ),
  ],
)
def test_other_endings_say_how_far_it_came(ending, trained, first):
  lines = _told(ending, trained, best.Best("eval/gain_db", 0.5, 10, since=4))
  assert lines[0] == first
  assert lines[1] == "checkpoint: my run/checkpoints/ckpt-30"
  assert not any("go on with" in line for line in lines)


def test_the_best_checkpoint_is_told_with_how_to_take_it():
  found = best.Best("eval/gain_db", 0.5, 10)
  (line,) = (line for line in _told(session.FINISHED, found=found) if "best" in line)
  assert "my run/checkpoints/best (step 10: eval/gain_db 0.5000)" in line
  assert line.endswith("--checkpoint=best")
  (line,) = (
    line for line in _told(session.FINISHED, found=found, restore_best=True) if "best" in line
  )
  assert line.endswith("--checkpoint=best and without it")
  assert not any("best" in line for line in _told(session.FINISHED))

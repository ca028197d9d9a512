"""How a run ends: when, in which of three ways, and what its user reads then."""

from collections.abc import Sequence
import dataclasses
import pathlib
import shlex

from deblock.launch.run_folder import checkpoints, history
from deblock.launch.settings import train as train_settings
from deblock.launch.training import watch

FINISHED = history.FINISHED  # All steps are taken, or all minutes are over.
STOPPED = history.STOPPED  # A signal asked for it.
STALLED = "stalled"  # Too many evaluations in a row were not the best.


@dataclasses.dataclass(frozen=True)
class Result:
  """How a run ended.

  Attributes:
    checkpoint: path of its last checkpoint.
    step: steps taken in all.
    seconds: time trained in all.
    trained: whether this call took any step.
    ending: FINISHED, STOPPED or STALLED.
    best: its best evaluation.
  """

  checkpoint: str
  step: int
  seconds: float
  trained: bool
  ending: str
  best: watch.BestSoFar


def share_done(settings: train_settings.TrainConfig, step: int, seconds: float) -> float:
  """Returns the share of a run that is over, by steps or by time, whichever is larger."""
  done = step / settings.max_steps
  if settings.max_minutes > 0:
    done = max(done, seconds / (60.0 * settings.max_minutes))
  return done


def ending_at(
  run: train_settings.RunConfig, step: int, seconds: float, best: watch.BestSoFar
) -> str:
  """Returns FINISHED or STALLED if the run ends after this step; else an empty string."""
  if share_done(run.train, step, seconds) >= 1.0:
    return FINISHED
  return STALLED if best.is_over(run.stopping.stop_after_evaluations) else ""


def summary(result: Result, run: train_settings.RunConfig, command: Sequence[str]) -> str:
  """Returns how a run ended, where its checkpoints are, and the command that resumes it.

  Args:
    result: of the training.
    run: all settings.
    command: of the program, its name first.
  """
  settings = run.train
  minutes = f"{result.seconds / 60:.1f} minutes"
  lines = []
  if result.ending == STOPPED:
    lines.append(f"stopped and saved at step {result.step} of {settings.max_steps}, {minutes}.")
  elif result.ending == STALLED:
    lines.append(
      f"ended at step {result.step} of {settings.max_steps}, {minutes}: {result.best.since} "
      f"evaluations in a row were no better than that of step {result.best.step}."
    )
  elif result.trained:
    lines.append(f"trained to step {result.step} in {minutes}.")
  else:
    lines.append(
      f"nothing to do: the run is at step {result.step} of {settings.max_steps} already."
    )
  lines.append(f"checkpoint: {result.checkpoint}")
  if result.best.value is not None:
    folder = pathlib.Path(settings.logdir) / checkpoints.FOLDER / checkpoints.BEST
    lines.append(
      f"best checkpoint: {folder} (step {result.best.step}: {result.best.metric} "
      f"{result.best.value:.4f}), used with --checkpoint=best"
      + (" and by default" if run.stopping.restore_best else "")
    )
  lines.append(f"TensorBoard: tensorboard --logdir={shlex.quote(settings.logdir)}")
  if result.ending == STOPPED:
    program = pathlib.Path(command[0])
    start = [program.name]
    if program.suffix == ".py":
      start = ["python", "-m", f"deblock.launch.{program.stem}"]
    lines.append(f"resume with: {shlex.join([*start, *command[1:]])}")
  return "\n".join(lines)

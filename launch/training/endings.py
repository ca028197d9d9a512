"""What a user is told when training ends."""

from collections.abc import Sequence
import pathlib
import shlex

from deblock.launch.run_folder import checkpoints
from deblock.launch.settings import train as train_settings
from deblock.launch.training import session


def told(
  result: session.Result, settings: train_settings.TrainConfig, command: Sequence[str]
) -> str:
  """Returns how a run ended, where its checkpoints are, and how it goes on.

  Args:
    result: of the training.
    settings: of the run.
    command: that was given, the program first.
  """
  minutes = f"{result.seconds / 60:.1f} minutes"
  lines = []
  if result.ending == session.STOPPED:
    lines.append(f"stopped and saved at step {result.step} of {settings.max_steps}, {minutes}.")
  elif result.ending == session.STALLED:
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
      f"{result.best.value:.4f}), taken with --checkpoint=best"
      + (" and without it" if settings.restore_best else "")
    )
  lines.append(f"TensorBoard: tensorboard --logdir={settings.logdir}")
  if result.ending == session.STOPPED:
    program = pathlib.Path(command[0])
    start = [program.name]
    if program.suffix == ".py":
      start = ["python", "-m", f"deblock.launch.{program.stem}"]
    lines.append(f"go on with: {shlex.join([*start, *command[1:]])}")
  return "\n".join(lines)

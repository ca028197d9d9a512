"""One call of the compiled inner loop: learning rate, batches, profile, and errors with a cause."""

import keras
import tensorflow as tf

from deblock.launch.machines import hosts as hosts_lib
from deblock.launch.settings import schedule
from deblock.launch.settings import train as train_settings
from deblock.launch.training import batches as batches_lib
from deblock.launch.training import meters, optimization, profiling
from deblock.launch.training import step as step_lib
from deblock.model import losses
from deblock.model.networks import registry


class Stepper:
  """Takes training steps. It does not know how many there are, nor what is done between them.

  Args:
    run: all settings.
    hosts: the machines.
    network: keras.Model to train, made in the strategy's scope.
    optimizer: built for its trainable weights.
    rules: of the weights' updates.
    batches: to train on.
    profile: of some of the steps.
  """

  def __init__(
    self,
    run: train_settings.RunConfig,
    hosts: hosts_lib.Hosts,
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    rules: optimization.UpdateRules,
    batches: batches_lib.Batches,
    profile: profiling.Profile,
  ):
    self._settings = run.optimization
    self._milestones = schedule.parse_milestones(run.optimization.milestones)
    self._hosts, self._optimizer = hosts, optimizer
    self._batches, self._profile = batches, profile
    waited = meters.Waited()
    self._gauges = meters.Gauges(waited.since, network)
    self._steps = step_lib.training_steps(
      hosts.strategy,
      network,
      optimizer,
      losses.get(run.optimization.loss),
      registry.configured(run.model),
      run.input.batch_size,
      rules,
      waited,
    )

  def rate(self, step: int, done: float) -> float:
    """Returns the learning rate after `step` steps, with a share `done` of the run over."""
    settings = self._settings
    return schedule.learning_rate(
      settings.learning_rate,
      settings.schedule,
      step,
      settings.warmup_steps,
      done,
      self._milestones,
      settings.milestone_factor,
    )

  def take(self, step: int, done: float, count: int) -> step_lib.Totals:
    """Takes `count` steps after `step` steps and returns their sums, as floats.

    Raises:
      BadRecordError: if a record is bad.
      ConnectionError: if a worker is lost.
    """
    with (
      self._profile.call(count),
      self._batches.errors_named(),
      self._hosts.lost_are_named(),
    ):
      self._optimizer.learning_rate.assign(self.rate(step, done))
      totals = self._steps(self._batches.at(step, done), tf.constant(count, tf.int32))
      return step_lib.Totals(*(float(value) for value in totals))

  def gauges(self, seconds: float) -> dict[str, float]:
    """Returns `Gauges.read` over the seconds of training since the last call."""
    return self._gauges.read(seconds)

  def origin(self, step: int) -> str:
    """Returns a sentence that names the records of the batch after `step` steps."""
    return self._batches.origin(step)

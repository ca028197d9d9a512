"""From settings to the optimiser, and to what a step keeps beside it."""

from collections.abc import Sequence
import dataclasses

import keras
import tensorflow as tf

from deblock.launch.settings import optimization as optimization_settings
from deblock.launch.training import averaging
from deblock.launch.training import loss_scale as loss_scale_lib


def create(
  settings: optimization_settings.OptimizationConfig, weights: Sequence[keras.Variable]
) -> keras.optimizers.Optimizer:
  """Returns the optimiser of some weights, built; to be called in the strategy's scope.

  adam and adamw: Kingma and Ba, "Adam", ICLR 2015, in the form of its section 2, epsilon 1e-7.
  sgd: velocity <- momentum * velocity - rate * gradient, weight <- weight + velocity.
  Weight decay is none of its business, but of `apply`.

  Args:
    settings: of the run.
    weights: trainable ones.
  """
  if settings.optimizer == optimization_settings.SGD:
    made = keras.optimizers.SGD(settings.learning_rate, settings.momentum)
  else:
    made = keras.optimizers.Adam(settings.learning_rate)
  made.build(list(weights))
  return made


def apply(
  strategy,
  optimizer: keras.optimizers.Optimizer,
  gradients,
  weights: Sequence[keras.Variable],
  weight_decay: float = 0.0,
) -> None:
  """Changes weights by their gradients, which are summed over the replicas already.

  Keras' own `apply` would sum them once more. Weight decay is that of Loshchilov and Hutter,
  "Decoupled Weight Decay Regularization", ICLR 2019, algorithms 1 and 2 with one rate for both:
  weight <- weight - rate * decay * weight, beside the step; for kernels alone.

  Args:
    strategy: tf.distribute.Strategy, in its cross-replica context.
    optimizer: built for the weights.
    gradients: of the weights; where there are replicas, what `strategy.run` returned.
    weights: trainable ones.
    weight_decay: decay of the formula.
  """
  rate = tf.convert_to_tensor(optimizer.learning_rate)

  def change(variable, gradient, decay):
    if decay:
      variable.assign_sub(variable * (decay * rate))
    optimizer.update_step(gradient, variable, rate)

  for weight, gradient in zip(weights, gradients, strict=True):
    decay = weight_decay if weight.name == "kernel" else 0.0
    strategy.extended.update(weight.value, change, args=(gradient, decay), group=False)
  optimizer.iterations.assign_add(1)


@dataclasses.dataclass(frozen=True)
class Rules:
  """What happens to gradients and weights besides the optimiser's step; by default nothing.

  Attributes:
    clip_norm: largest norm of all gradients together; 0 for any.
    parts: in which a replica works its crops through.
    ema_decay: of the averages.
    averages: of the network's weights, one for each; none if empty.
    weight_decay: as in `apply`.
    loss_scale: of the loss, if the network computes in float16.
    jit_compile: whether XLA compiles what a replica computes.
  """

  clip_norm: float = 0.0
  parts: int = 1
  ema_decay: float = 0.0
  averages: Sequence[tf.Variable] = ()
  weight_decay: float = 0.0
  loss_scale: loss_scale_lib.LossScale | None = None
  jit_compile: bool = False

  @property
  def state(self) -> dict[str, list[tf.Variable]]:
    """What a checkpoint must hold of this, by name."""
    kept = {}
    if self.averages:
      kept["averages"] = list(self.averages)
    if self.loss_scale is not None:
      kept["loss_scale"] = self.loss_scale.variables
    return kept


def rules(
  settings: optimization_settings.OptimizationConfig, network: keras.Model, jit_compile: bool
) -> Rules:
  """Returns the rules of a run; to be called in the strategy's scope, once weights are set."""
  scaled = settings.precision == optimization_settings.FLOAT16
  weights = [weight.value for weight in network.weights]
  return Rules(
    clip_norm=settings.clip_norm,
    parts=settings.accumulate_steps,
    ema_decay=settings.ema_decay,
    averages=averaging.start(weights) if settings.ema_decay else (),
    weight_decay=settings.weight_decay,
    loss_scale=loss_scale_lib.LossScale() if scaled else None,
    jit_compile=jit_compile,
  )


def is_compiled(settings: optimization_settings.OptimizationConfig) -> bool:
  """Returns whether XLA compiles the step.

  "auto" is yes on CPUs, where it made steps of four networks 1.07 to 2.9 times as fast (run
  tests/bench/compiling.py), and no where there is a GPU, since none was at hand to measure it.
  """
  if settings.jit_compile == optimization_settings.AUTO:
    return not tf.config.list_logical_devices("GPU")
  return settings.jit_compile == optimization_settings.TRUE

"""From settings to the optimiser, and to everything else that changes weights."""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses

import keras
import tensorflow as tf

from deblock.launch.settings import optimization as optimization_settings

FIRST_SCALE = 2.0**15
LARGEST_SCALE = 2.0**24
GOOD_STEPS = 2000  # In a row, after which the loss scale is doubled.

_POLICIES = {
  optimization_settings.FLOAT32: "float32",
  optimization_settings.BFLOAT16: "mixed_bfloat16",
  optimization_settings.FLOAT16: "mixed_float16",
}


def create(
  settings: optimization_settings.OptimizationConfig, weights: Sequence[keras.Variable]
) -> keras.optimizers.Optimizer:
  """Returns the optimiser of some weights, built. Call it in the strategy's scope.

  adam and adamw: Kingma and Ba, "Adam", ICLR 2015, in the form of its section 2, epsilon 1e-7.
  sgd: velocity <- momentum * velocity - rate * gradient, weight <- weight + velocity.
  `apply` adds the weight decay.

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
  """Changes weights by gradients that are already summed over the replicas.

  Keras' own `apply` would sum them again. Weight decay is that of Loshchilov and Hutter, "Decoupled
  Weight Decay Regularization", ICLR 2019, algorithms 1 and 2 with one rate for both:
  weight <- weight - rate * decay * weight, before the optimiser's step, for kernels only.

  Args:
    strategy: tf.distribute.Strategy, in its cross-replica context.
    optimizer: built for the weights.
    gradients: of the weights, as `strategy.run` returns them.
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


@contextlib.contextmanager
def precision_of_layers(name: str) -> Iterator[None]:
  """Returns a context in which layers are built to compute in a precision.

  Weights stay float32, and so do layers that ask for it: the first and the last of every network.

  Args:
    name: one of `settings.optimization.PRECISIONS`.
  """
  before = keras.config.dtype_policy()
  keras.config.set_dtype_policy(_POLICIES[name])
  try:
    yield
  finally:
    keras.config.set_dtype_policy(before)


class LossScale:
  """A factor of the loss that keeps small float16 gradients from rounding to zero.

  P. Micikevicius et al., "Mixed Precision Training", ICLR 2018, section 3.2, with the rule of
  NVIDIA's and TensorFlow's implementations. A step whose gradients are not finite changes no weight
  and halves the factor; 2000 good steps in a row double it. The factor is a power of two, so that
  scaling rounds nothing. At a factor of 1 the scale cannot be the cause: such a step changes the
  weights, and the loss shows it.

  keras.optimizers.LossScaleOptimizer cannot replace it: its factor has no lower bound, so that a
  run with a bad loss would skip steps for ever, and its `apply` sums gradients over the replicas
  again and sees them only after they are clipped.

  Made in the strategy's scope.
  """

  def __init__(self):
    self.factor = tf.Variable(FIRST_SCALE, trainable=False, name="loss_scale")
    self._good_steps = tf.Variable(0, trainable=False, name="good_steps")

  @property
  def variables(self) -> list[tf.Variable]:
    """The variables that a checkpoint must hold."""
    return [self.factor, self._good_steps]

  def accepts(self, norm):
    """Returns whether gradients of that norm, float32, may change the weights: a bool scalar."""
    return tf.math.is_finite(norm) | (self.factor <= 1.0)

  def update(self, accepted):
    """Adapts the factor after a step; `accepted` is the result of `accepts`."""
    good_steps = tf.where(accepted, self._good_steps + 1, 0)
    is_due = good_steps >= GOOD_STEPS
    grown = tf.where(is_due, tf.minimum(2.0 * self.factor, LARGEST_SCALE), self.factor)
    self.factor.assign(tf.where(accepted, grown, tf.maximum(0.5 * self.factor, 1.0)))
    self._good_steps.assign(tf.where(is_due, 0, good_steps))


@dataclasses.dataclass(frozen=True)
class UpdateRules:
  """Everything that happens to gradients and weights besides the optimiser's step.

  Attributes:
    clip_norm: largest norm of all gradients together; 0 for no limit.
    parts: number of parts into which a replica splits its crops.
    weight_decay: as in `apply`.
    weights: all weights of the network, batch normalisation's statistics included.
    averaging: of these weights; None for no averages.
    loss_scale: of the loss, if the network computes in float16.
    jit_compile: whether XLA compiles the computation of a replica.
  """

  clip_norm: float = 0.0
  parts: int = 1
  weight_decay: float = 0.0
  weights: Sequence[tf.Variable] = ()
  averaging: tf.train.ExponentialMovingAverage | None = None
  loss_scale: LossScale | None = None
  jit_compile: bool = False

  @property
  def averages(self) -> list[tf.Variable]:
    """The averages of the weights, in their order; empty for none."""
    if self.averaging is None:
      return []
    return [self.averaging.average(weight) for weight in self.weights]

  @property
  def state(self) -> dict[str, list[tf.Variable]]:
    """The variables that a checkpoint must hold, by name."""
    kept = {}
    if self.averaging is not None:
      kept["averages"] = self.averages
    if self.loss_scale is not None:
      kept["loss_scale"] = self.loss_scale.variables
    return kept


def rules(
  settings: optimization_settings.OptimizationConfig,
  network: keras.Model,
  optimizer: keras.optimizers.Optimizer,
  jit_compile: bool,
) -> UpdateRules:
  """Returns the rules of a run. Call it in the strategy's scope, when the weights are set.

  Averages of the weights are those of Polyak and Juditsky, "Acceleration of Stochastic
  Approximation by Averaging", SIAM J. Control and Optimization 30 (4), 1992, in exponential form:

      average <- d average + (1 - d) weight        d = min(decay, (1 + n) / (10 + n)) at step n

  so that a young average forgets the first weights fast. The statistics of batch normalisation are
  averaged as well: those of the last weights do not fit the averages. (Keras' `use_ema` averages
  trainable weights only, with one decay from the first step on.)
  """
  weights = [weight.value for weight in network.weights]
  averaging = None
  if settings.ema_decay:
    averaging = tf.train.ExponentialMovingAverage(settings.ema_decay, optimizer.iterations.value)
    averaging.apply(weights)  # Makes the averages, equal to the weights.
  return UpdateRules(
    clip_norm=settings.clip_norm,
    parts=settings.accumulate_steps,
    weight_decay=settings.weight_decay,
    weights=weights,
    averaging=averaging,
    loss_scale=LossScale() if settings.precision == optimization_settings.FLOAT16 else None,
    jit_compile=jit_compile,
  )


def is_compiled(settings: optimization_settings.OptimizationConfig) -> bool:
  """Returns whether XLA compiles the step.

  "auto" means yes on CPUs, where tests/bench/compiling.py found it faster, and no on GPUs, where it
  was not measured.
  """
  if settings.jit_compile == optimization_settings.AUTO:
    return not tf.config.list_logical_devices("GPU")
  return settings.jit_compile == optimization_settings.TRUE

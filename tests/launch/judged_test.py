import keras
import numpy as np

from deblock.launch import judged, optimization, precision
from deblock.model import registry


def test_what_is_judged_is_what_the_run_will_be_used_with(tiny, small_run):
  entry = registry.get(tiny)
  run = small_run(model=tiny)
  network = entry.build(2, True)
  assert judged.network(run, entry, network, optimization.Rules())[0] is network

  run = small_run(model=tiny, ema_decay=0.9)
  rules = optimization.rules(run.train, network, False)
  shown, update = judged.network(run, entry, network, rules)
  for weight in network.weights:
    weight.assign(weight + 5.0)
  for average in rules.averages:
    average.assign_add(np.ones(average.shape, np.float32))
  update()
  for weight, raw in zip(shown.weights, network.weights, strict=True):
    np.testing.assert_allclose(weight.numpy(), raw.numpy() - 4.0, atol=1e-5)


def test_a_network_in_low_precision_is_judged_in_float32(tiny, small_run):
  entry, run = registry.get(tiny), small_run(model=tiny, precision="bfloat16")
  with precision.of_layers("bfloat16"):
    network = entry.build(2, True)
  keras.utils.set_random_seed(1)
  shown, update = judged.network(run, entry, network, optimization.Rules())
  update()
  assert {layer.compute_dtype for layer in shown.layers} == {"float32"}
  for weight, trained in zip(shown.weights, network.weights, strict=True):
    np.testing.assert_array_equal(weight.numpy(), trained.numpy())

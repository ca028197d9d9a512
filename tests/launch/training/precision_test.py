import keras
import numpy as np
import pytest

from deblock.launch.training import precision
from deblock.model.networks import registry


@pytest.mark.parametrize("name", registry.names())
def test_first_and_last_layers_and_all_weights_stay_float32(name):
  settings = registry.usual(name, width=2)
  before = keras.config.dtype_policy()
  with precision.of_layers("bfloat16"):
    network = registry.build(settings)
  assert keras.config.dtype_policy() == before
  assert {weight.dtype for weight in network.weights} == {"float32"}
  kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
  convolutions = [layer for layer in network.layers if isinstance(layer, kinds)]
  assert convolutions[0].compute_dtype == convolutions[-1].compute_dtype == "float32"
  assert "bfloat16" in {layer.compute_dtype for layer in network.layers}
  assert network.output.dtype == "float32"


def test_the_policy_is_restored_after_an_error():
  with pytest.raises(ValueError, match="wrong"), precision.of_layers("float16"):
    raise ValueError("wrong")
  assert keras.layers.Dense(1).compute_dtype == "float32"
  with precision.of_layers("float16"):
    layer = keras.layers.Dense(1)
  assert layer(np.ones((1, 2), np.float32)).dtype == "float16"

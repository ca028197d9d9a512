import keras
import pytest

from deblock.model.networks import dncnn


@pytest.mark.parametrize(("channels", "parameters"), [(1, 665_921), (3, 668_227)])
def test_the_layers_are_the_papers(channels, parameters):
  network = dncnn.dncnn3(channels=channels)
  assert network.count_params() == parameters
  convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
  assert len(convolutions) == 20
  assert {layer.kernel_size for layer in convolutions} == {(3, 3)}


def test_a_form_that_predicts_pixels_is_refused():
  with pytest.raises(ValueError, match="dncnn3 has no form that predicts pixels"):
    dncnn.dncnn3(residual=False)

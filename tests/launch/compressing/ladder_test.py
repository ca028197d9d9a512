import numpy as np
import pytest

from deblock.launch.compressing import families, ladder
from deblock.records.jpeg import tables as jpeg_tables


@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_ladder_goes_from_ones_to_255_and_never_back(family, sampling):
  shape = ladder.shape(family, sampling)
  assert shape[0, 0, 0] == 1.0
  rungs = np.stack([ladder.tables(shape, rung) for rung in range(ladder.LAST_RUNG + 1)])
  assert rungs.dtype == np.int32 and rungs.min() == 1 and rungs[-1, 0, 0, 0] == 255
  assert (np.diff(rungs, axis=0) >= 0).all()
  # From a rung to the next no step grows by more than a level or the ladder's ratio.
  assert (rungs[1:] <= np.maximum(rungs[:-1] + 1, rungs[:-1] * 1.006 + 1)).all()


def test_the_standard_s_tables_are_on_their_ladder():
  rung = 4 * ladder.RUNGS_PER_OCTAVE  # A first step of 16.
  np.testing.assert_array_equal(
    ladder.tables(ladder.shape("ijg", "4:2:0"), rung), jpeg_tables.quantization_tables(50)
  )


def test_a_slope_is_that_of_the_diagonal():
  luma, chroma = ladder.sloped_shape(slope=2.0, chroma=0.5)
  np.testing.assert_allclose(np.diagonal(luma), 1.0 + 2.0 * np.arange(8) / 7.0)
  np.testing.assert_array_equal(luma, luma.T)
  np.testing.assert_array_equal(chroma, 0.5 * luma)

import pytest

from deblock.launch.settings import crop_stages
from deblock.pipeline import config as input_config


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("48", "must be a list of SIZE@SHARE, .* got '48'"),
    ("48@0.5,x@0.7", "must be a list of SIZE@SHARE, .* got 'x@0.7'"),
    ("20@0.5", "must be multiples of 8, the JPEG block side, got 20"),
    ("48@0.5,64@0.5", "must end at rising shares of the run, got '48@0.5,64@0.5'"),
    ("48@1", "must end at rising shares of the run, got '48@1'"),
  ],
)
def test_a_list_that_makes_no_sense_is_refused(text, message):
  with pytest.raises(ValueError, match=f"early_crop_sizes {message}"):
    crop_stages.parse(text)


def test_a_stage_lasts_until_its_share_of_the_run():
  inputs = input_config.InputConfig(crop_size=96)
  text = "32@0.25,64@0.5"
  found = [crop_stages.inputs_at(inputs, text, step / 8) for step in range(9)]
  assert [stage.crop_size for stage in found] == [32, 32, 64, 64, 96, 96, 96, 96, 96]
  assert found[-1] == inputs == crop_stages.inputs_at(inputs, "", 0.0)
  assert crop_stages.sizes(inputs, text) == (32, 64, 96)
  assert crop_stages.sizes(inputs, "") == (96,)

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


def test_batches_are_opened_anew_where_the_size_changes_and_nowhere_else():
  inputs = input_config.InputConfig(crop_size=96)
  opened = []
  batches = crop_stages.Batches(
    inputs, "32@0.25,64@0.5", lambda found, step: opened.append((found.crop_size, step)) or step
  )
  found = [batches.at(step, step / 8) for step in range(8)]
  assert opened == [(32, 0), (64, 2), (96, 4)]
  assert found == [0, 0, 2, 2, 4, 4, 4, 4]
  assert batches.inputs == inputs
  assert crop_stages.sizes(inputs, "32@0.25,64@0.5") == (32, 64, 96)
  assert crop_stages.sizes(inputs, "") == (96,)


def test_a_run_that_goes_on_enters_the_stage_where_it_is():
  opened = []
  batches = crop_stages.Batches(
    input_config.InputConfig(crop_size=96), "32@0.5", lambda found, step: opened.append(found)
  )
  batches.at(6, 0.5)
  assert [found.crop_size for found in opened] == [96]

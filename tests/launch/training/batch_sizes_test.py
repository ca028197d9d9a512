import itertools

import pytest

from deblock.launch.training import batch_sizes
from deblock.pipeline import config, mixing


def test_a_batch_that_all_can_share_passes():
  for replicas, parts in ((1, 1), (2, 1), (4, 8), (32, 1)):
    batch_sizes.check(config.InputConfig(batch_size=32), replicas, parts)


@pytest.mark.parametrize(
  ("replicas", "said"),
  [
    (3, "--batch_size=30 --mixed_tiles=30 or --batch_size=33 --mixed_tiles=33."),
    (5, "--batch_size=30 --mixed_tiles=30 or --batch_size=35 --mixed_tiles=35."),
    (6, "--batch_size=30 --mixed_tiles=30 or --batch_size=36 --mixed_tiles=36."),
    (7, "--batch_size=28 --mixed_tiles=35 or --batch_size=35 --mixed_tiles=35."),
    (64, "Use --batch_size=64."),
  ],
)
def test_the_flags_that_work_are_said(replicas, said):
  with pytest.raises(ValueError) as raised:
    batch_sizes.check(config.InputConfig(), replicas, 1)
  begin = f"batch_size must be a multiple of the {replicas} replicas, got 32. "
  assert str(raised.value).startswith(begin)
  assert str(raised.value).endswith(said)


def test_every_proposal_is_near_and_passes_all_checks():
  for batch, replicas, parts in itertools.product((1, 32, 100), range(1, 9), (1, 3)):
    # The settings check that whole batches fill the crops that are mixed.
    inputs = config.InputConfig(batch_size=batch, mixed_tiles=100, crops_per_tile=8)
    for proposal in batch_sizes.near(inputs, replicas * parts):
      batch_sizes.check(proposal, replicas, parts)
      assert abs(proposal.batch_size - batch) <= replicas * parts
      mixing.Window(proposal.crops_per_tile, proposal.mixed_tiles, proposal.batch_size // replicas)


def test_pairs_are_not_mixed_by_tiles():
  inputs = config.InputConfig(sampling="pairs")
  for proposal in batch_sizes.near(inputs, 3):
    assert proposal.mixed_tiles == inputs.mixed_tiles

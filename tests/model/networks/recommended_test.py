import dataclasses

import pytest

from deblock.launch.settings import train as train_settings
from deblock.model.networks import recommended


@pytest.mark.parametrize("own", [recommended.USUAL, *recommended.BY_NAME.values()])
def test_the_defaults_of_a_network_are_settings_of_a_run(own):
  changed = dataclasses.asdict(own)
  run = train_settings.run_of({**changed, "records": "r", "degradation": "online"})
  assert {name: train_settings.settings_of(run)[name] for name in changed} == changed

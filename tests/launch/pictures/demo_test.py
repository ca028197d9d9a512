import numpy as np
import pytest

from deblock.launch.pictures import demo, settings
from deblock.launch.restoring import photograph
from deblock.records.jpeg import codec


def test_the_sheet_has_a_row_for_each_photograph(monkeypatch):
  seen = []

  def restored(data, model):
    seen.append((codec.decode(data).shape, model))
    return codec.decode(data)

  monkeypatch.setattr(photograph, "restore", restored)
  monkeypatch.setattr(demo, "_SIDE", 64)
  made = demo.trials("fast", (10, 30))
  assert seen == [((64, 64, 3), "fast")] * 4
  assert [(trial.row.quality, trial.row.model) for trial in made] == [
    (10, "fast"),
    (30, "fast"),
    (10, "fast"),
    (30, "fast"),
  ]
  sheet = demo.sheet(made)
  assert sheet.dtype == np.uint8 and sheet.shape[0] % 4 == 0 and sheet.shape[1] > 3 * 64
  page = demo.page(made)
  assert "kept inside" in page and "Each quality has its own images" in page
  assert all(f'"name":"{trial.row.image}"' in page for trial in made)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"output": ""}, "output must name a folder: use --output=DIR"),
    ({"model": "best"}, "model must be one of default, fast, got 'best'"),
    ({"qualities": ()}, "qualities must name one quality at least"),
    ({"qualities": (0,)}, r"each of qualities must be an integer in \[1, 100\], got 0"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    settings.DemoConfig(**{"output": "o", **change})

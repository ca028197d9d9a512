import subprocess
import sys

import numpy as np
from PIL import Image
import pytest

from deblock.launch.pictures import demo, settings
from deblock.launch.restoring import photograph
from deblock.records.jpeg import codec
from deblock.records.photos import reading


def test_the_photographs_take_turns(monkeypatch, tmp_path):
  for number, name in enumerate("ab"):
    pixels = np.random.default_rng(number).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"{name}.webp", lossless=True)
  seen = []

  def restored(data, model):
    seen.append((codec.decode(data).shape, model))
    return codec.decode(data)

  monkeypatch.setattr(photograph, "restore", restored)
  monkeypatch.setattr(demo, "PHOTOGRAPHS", tmp_path)
  made = demo.trials("fast", (10, 20, 30))
  assert seen == [((64, 64, 3), "fast")] * 3
  assert [(trial.row.image, trial.row.quality, trial.row.model) for trial in made] == [
    ("a", 10, "fast"),
    ("b", 20, "fast"),
    ("a", 30, "fast"),
  ]
  sheet = demo.sheet(made)
  assert sheet.dtype == np.uint8 and sheet.shape[0] % 3 == 0 and sheet.shape[1] > 3 * 64
  page = demo.page(made)
  assert "kept inside" in page and "an example, not an evaluation" in page
  assert page.count('"name":') == 2 and "<svg" not in page


def test_each_photograph_of_the_package_has_its_licence():
  stated = (demo.PHOTOGRAPHS / "LICENCES.md").read_text(encoding="utf-8")
  paths = sorted(demo.PHOTOGRAPHS.glob("*.webp"))
  assert len(paths) == 2 and sum(path.stat().st_size for path in paths) < 300_000
  for path in paths:
    assert f"| `{path.name}` |" in stated
    assert reading.read_rgb(str(path)).shape == (256, 256, 3)


def test_nothing_but_the_base_installation_is_loaded():
  trained = ("tensorflow", "keras", "matplotlib", "scipy", "skimage", "tabulate")
  program = "\n".join(
    (
      "import sys",
      "from deblock.launch import demo as program",
      "from deblock.launch.pictures import demo, gallery, report",
      "demo.page(demo.trials('fast', (10,)))",
      f"print([name for name in {trained} if name in sys.modules])",
    )
  )
  done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
  assert done.stdout == "[]\n", done.stderr


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

"""The pages in docs/ say what their scripts compute."""

import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def model():
  """The module tests/bench/scaling_model.py: pytest imports test files alone."""
  path = ROOT / "tests" / "bench" / "scaling_model.py"
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def test_the_page_on_scaling_holds_the_tables_of_its_script(model):
  page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
  for table in model.tables().split("\n\n"):
    assert table in page


def test_a_ring_costs_each_worker_twice_the_bytes_at_most(model):
  link = model.Link("for tests", 100.0, 0.0)
  assert model.ring(50.0, 1, link) == 0.0
  assert model.ring(50.0, 2, link) == pytest.approx(0.5)
  assert model.ring(50.0, 1000, link) == pytest.approx(2 * 50.0 / 100.0, rel=2e-3)
  # Without bytes, messages are left: there and back round the ring.
  assert model.ring(0.0, 5, model.Link("for tests", 1.0, 0.25)) == 2 * 4 * 0.25


def test_what_is_hidden_costs_only_where_it_is_longer_than_the_step(model):
  assert model.efficiency(3.0, 1.0) == 0.75
  assert model.efficiency(3.0, 1.0, overlapped=True) == 1.0
  assert model.efficiency(3.0, 6.0, overlapped=True) == 0.5


def test_the_work_of_a_crop_grows_with_its_pixels(model):
  assert model.cores(1000.0, 500.0, crop=96) == 2.0
  assert model.cores(1000.0, 500.0, crop=192) == 8.0


PAGES = (
  "README.md",
  "CONTRIBUTING.md",
  *sorted(f"docs/{page.name}" for page in ROOT.glob("docs/*.md")),
)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_what_is_there(page):
  path = ROOT / page
  links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
  missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
  assert not missing


def test_the_readme_leads_to_every_page():
  text = (ROOT / "README.md").read_text(encoding="utf-8")
  assert not [page for page in PAGES if page.startswith("docs/") and page not in text]


@pytest.mark.parametrize("page", PAGES)
def test_the_targets_that_pages_name_exist(page):
  makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
  targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
  text = (ROOT / page).read_text(encoding="utf-8")
  named = re.findall(r"(?:^ {4}|`)make ([a-z-]+)", text, re.MULTILINE)
  assert set(named) <= targets

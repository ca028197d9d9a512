"""The pages say what their scripts compute, and name files and commands that exist."""

import importlib.util
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]


def _module(path):
  """Returns a module of tests/, given without .py: pytest imports test files alone."""
  path = ROOT / "tests" / f"{path}.py"
  spec = importlib.util.spec_from_file_location(f"docs_test_{path.stem}", path)
  module = importlib.util.module_from_spec(spec)
  sys.modules[spec.name] = module  # Dataclasses look their module up.
  spec.loader.exec_module(module)
  return module


@pytest.fixture(scope="module")
def model():
  return _module("bench/scaling_model")


@pytest.fixture(scope="module")
def bench():
  return _module("bench/__main__")


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
def test_links_lead_to_files_and_headings_that_exist(page):
  path = ROOT / page
  links = re.findall(r"\]\(([^)\s]+)", path.read_text(encoding="utf-8"))
  for link in links:
    name, _, heading = link.partition("#")
    if "://" in name:
      continue
    target = path.parent / name if name else path
    assert target.exists(), link
    if heading:
      titles = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.MULTILINE)
      assert heading in {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles
      }


def test_the_readme_leads_to_every_page():
  text = (ROOT / "README.md").read_text(encoding="utf-8")
  assert not [page for page in PAGES if page.startswith("docs/") and page not in text]


def test_contributing_lists_the_rooms_in_their_order():
  text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
  listed = re.findall(r"^\| `([a-z_/]+)` \|", text, re.MULTILINE)
  assert tuple(room.replace("/", ".") for room in listed) == _module("architecture_test").ROOMS


def _make_commands(page):
  """Yields the words after "make" of every command on a page, indented or in backquotes."""
  text = (ROOT / page).read_text(encoding="utf-8")
  for line, inline in re.findall(r"^ {4}make (.*)|`make\s([^`]*)`", text, re.MULTILINE):
    yield shlex.split(line or inline, comments=True)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_make_exist(page, bench):
  makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
  targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
  for words in _make_commands(page):
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    assert {word for word in words if "=" not in word} <= targets, words
    assert all(re.search(rf"\b{name}\b", makefile) for name in variables), words
    if "bench" in words and variables:
      part = variables.pop("PART")
      # Some pages name a part and leave out the folders that it needs.
      missing = dict.fromkeys(bench.PARTS[part].needs, "DIR")
      assert bench.command(part, {**missing, **variables})


def test_the_list_of_targets_is_short():
  makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
  targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
  run = ["make", "--no-print-directory", "-C", ROOT, "help"]
  *lines, _ = subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()
  assert {line.split()[0] for line in lines} <= targets
  assert 10 <= len(lines) <= 15


def test_every_benchmark_has_its_script_and_its_choices(bench):
  for name, part in bench.PARTS.items():
    text = (ROOT / "tests" / "bench" / part.script).read_text(encoding="utf-8")
    assert f"make bench PART={name}" in text, part.script
    (choices,) = re.findall(r"^PARTS = .*\((.*?)\)", text, re.MULTILINE) or [""]
    assert tuple(re.findall(r"\w+", choices)) == part.subs, name
  makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
  (passed,) = re.findall(r"^BENCH_VARIABLES = (.*)", makefile, re.MULTILINE)
  assert set(passed.split()) == {"WORKDIR"}.union(
    *(part.variables for part in bench.PARTS.values())
  )


def test_a_benchmark_gets_the_variables_that_are_given(bench):
  given = {"WORKDIR": "w", "SUB": "crops, pairs", "IMAGES": "a b"}
  command = bench.command("pipeline", given)
  assert command == ["pipeline.py", "w/bench-pipeline", "crops", "pairs", "--images=a b"]
  assert bench.command("pipeline", {}) == ["pipeline.py", "runs/quickstart/bench-pipeline"]
  assert bench.command("training-xla", {"MODELS": "l4 l8:8"}) == ["compiling.py", "l4", "l8:8"]


@pytest.mark.parametrize(
  ("part", "variables", "message"),
  [
    ("nothing", {}, "PART must be one of records, .* got 'nothing'"),
    ("pipeline", {"SUB": "crops,other"}, "SUB must be some of crops, .* got other"),
    ("pipeline", {"COUNT": "2"}, "PART=pipeline does not take COUNT"),
    ("quality", {}, "PART=quality needs IMAGES"),
  ],
)
def test_a_mistake_in_the_variables_is_named(bench, part, variables, message):
  with pytest.raises(ValueError, match=message):
    bench.command(part, variables)


@pytest.mark.parametrize("page", (*PAGES, "model/weights/MODEL_CARD.md"))
def test_the_files_that_pages_name_exist(page):
  text = (ROOT / page).read_text(encoding="utf-8")
  folders = "records|pipeline|model|launch|tests|docs"
  named = re.findall(rf"(?:{folders})/[a-z0-9_/-]+\.(?:py|md|flags)", text)
  assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", (*PAGES, "CHANGELOG.md", "model/weights/MODEL_CARD.md"))
def test_the_python_names_of_pages_exist(page):
  # Blocks of HTML have names of JavaScript.
  text = re.sub(r"```html.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
  # The group of entry points has the form of a module's name.
  for name in set(re.findall(r"\bdeblock(?:\.[a-z_]+)+\b", text)) - {"deblock.networks"}:
    folder, parts = ROOT, name.split(".")[1:]
    while parts and (folder / parts[0]).is_dir():
      folder /= parts.pop(0)
    # The package itself lies a floor lower than the folders that are installed below it.
    file = (ROOT / "launch" / "library" if folder == ROOT else folder) / "__init__.py"
    if parts and (folder / f"{parts[0]}.py").exists():
      file = folder / f"{parts.pop(0)}.py"
    source = file.read_text(encoding="utf-8")
    assert not parts or re.search(rf"\b{parts[0]}\b", source), f"{page} names {name}"

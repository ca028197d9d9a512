"""The locks in .ci: what is installed is what setup.cfg asks for, pinned and hashed."""

import configparser
import pathlib
import re

from packaging import requirements
import pytest

ROOT = pathlib.Path(__file__).parents[1]
LOCKS = sorted((ROOT / ".ci").glob("*.txt"))
# The extras of each lock, as `make lock` names them.
EXTRAS = {
  "requirements-base": (),
  "requirements": ("train", "dask", "test"),
  "requirements-cuda": ("train", "dask", "test", "cuda"),
}


def _entries(path):
  """Returns the pinned requirements of a lock, each with the number of its hashes."""
  text = re.sub(r"#.*", "", path.read_text(encoding="utf-8")).replace("\\\n", " ")
  lines = [line for line in text.splitlines() if line.strip()]
  split = [line.split(" --hash=sha256:") for line in lines]
  return [(requirements.Requirement(first.strip()), len(hashes)) for first, *hashes in split]


def _asked(extras):
  """Yields what setup.cfg asks for, without our own extras."""
  settings = configparser.ConfigParser()
  settings.read(ROOT / "setup.cfg")
  parts = [settings["options"]["install_requires"]]
  parts += [settings["options.extras_require"][extra] for extra in extras]
  for line in "\n".join(parts).split("\n"):
    if line.strip() and not line.startswith("deblock"):
      yield requirements.Requirement(line)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_line_pins_one_version_and_its_hashes(path):
  assert _entries(path)
  for entry, hashes in _entries(path):
    assert [operator.operator for operator in entry.specifier] == ["=="] and hashes, entry


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_no_lock_names_an_index_or_a_place(path):
  assert not re.search(r"://|--(extra-)?index|--find-links", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_has_what_setup_cfg_asks_for(name):
  pinned = _entries(ROOT / ".ci" / f"{name}.txt")
  for asked in _asked(EXTRAS[name]):
    versions = [
      specifier.version
      for entry, _ in pinned
      if entry.name.lower() == asked.name.lower()
      for specifier in entry.specifier
    ]
    assert versions, f"{asked} is not in the lock: make lock"
    assert all(asked.specifier.contains(version) for version in versions), asked


def test_the_locks_agree():
  base, tests, cuda = (
    {(entry.name, str(entry.specifier)) for entry, _ in _entries(ROOT / ".ci" / f"{name}.txt")}
    for name in EXTRAS
  )
  assert base < tests < cuda

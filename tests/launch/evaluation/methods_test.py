import pytest

from deblock.launch.evaluation import baselines, methods
from deblock.launch.restoring import network


def test_methods_are_loaded_by_name_and_unknown_names_are_refused():
  assert [method.name for method in methods.load(("tv", "identity"), ())] == ["tv", "identity"]
  with pytest.raises(ValueError, match=r"model must be one of default, fast, identity, .* got 'x'"):
    methods.load(("x",), ())
  with pytest.raises(ValueError, match=r"a baseline must be one of identity, .*, got 'default'"):
    baselines.load("default")


def test_what_is_asked_of_runs_reaches_them(monkeypatch):
  asked = []
  monkeypatch.setattr(network, "load", lambda *given, **named: asked.append((given, named)))
  loaded = methods.load(("fast", "tv"), ("runs/a",), "420", "best", "raw", self_ensemble=True)
  assert [method.name for method in loaded] == ["runs/a+", "fast+", "tv"]
  run = {"logdir": "runs/a", "checkpoint": "best", "weights": "raw", "self_ensemble": True}
  assert asked == [((), run), (("fast",), {"self_ensemble": True})]

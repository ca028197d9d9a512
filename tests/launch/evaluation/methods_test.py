import types

import pytest

from deblock.launch.evaluation import baselines, methods
from deblock.launch.restoring import network
from deblock.launch.run_folder import saved_weights
from deblock.model import restorer


def test_methods_are_loaded_by_name_and_unknown_names_are_refused():
  assert [method.name for method in methods.load(("tv", "identity"), ())] == ["tv", "identity"]
  with pytest.raises(ValueError, match=r"model must be one of default, fast, identity, .* got 'x'"):
    methods.load(("x",), ())
  with pytest.raises(ValueError, match=r"a baseline must be one of identity, .*, got 'default'"):
    baselines.load("default")


def test_what_is_asked_of_runs_and_networks_reaches_them(monkeypatch):
  asked = []

  def note(*given, **named):
    asked.append((given, named))
    return types.SimpleNamespace(network="network", entry="entry")

  monkeypatch.setattr(saved_weights, "load_network", note)
  monkeypatch.setattr(network, "load", note)
  monkeypatch.setattr(restorer, "Restorer", note)
  loaded = methods.load(
    ("fast", "tv", "mine.onnx"), ("runs/a",), "420", "best", "raw", self_ensemble=True
  )
  assert [method.name for method in loaded] == ["runs/a+", "fast+", "tv", "mine.onnx+"]
  assert asked == [
    (("runs/a", "best", "raw"), {}),
    (("network", "entry"), {"constant": True, "ensemble": True}),
    (("fast",), {"self_ensemble": True}),
    (("mine.onnx",), {"self_ensemble": True}),
  ]

import ctypes
import types

from deblock.launch import allocator


def test_every_option_is_set_where_the_library_has_them(monkeypatch):
  calls = []

  def mallopt(option, value):
    calls.append((option, value))
    return 1

  monkeypatch.setattr(ctypes, "CDLL", lambda name: types.SimpleNamespace(mallopt=mallopt))
  assert allocator.keep_freed_memory() is True
  assert len(dict(calls)) == len(calls) > 0
  # Numbers of glibc's malloc.h, all of them defined as negative.
  assert set(dict(calls)) <= {-1, -2, -3, -4, -7, -8}
  assert dict(calls)[-3] <= 4 * 1024 * 1024 * ctypes.sizeof(ctypes.c_long)


def test_an_option_that_is_refused_is_told_and_the_others_are_still_set(monkeypatch):
  calls = []

  def mallopt(option, value):
    calls.append(option)
    return 0 if len(calls) == 1 else 1

  monkeypatch.setattr(ctypes, "CDLL", lambda name: types.SimpleNamespace(mallopt=mallopt))
  assert allocator.keep_freed_memory() is False
  assert len(calls) > 1


def test_another_c_library_is_left_alone(monkeypatch):
  monkeypatch.setattr(ctypes, "CDLL", lambda name: types.SimpleNamespace())
  assert allocator.keep_freed_memory() is False

import itertools
import os
import pathlib

import pytest
import tensorflow as tf

from deblock.launch.run_folder import checkpoint_folder


class _KilledError(BaseException):
  """Stands for the end of the process."""


def _save(folder, step, text, keep=2):
  """Saves a checkpoint of two files that hold a text."""
  prefix = checkpoint_folder.begin(folder, step)
  for suffix in (".data-00000-of-00001", ".index"):
    pathlib.Path(prefix + suffix).write_text(text)
  return checkpoint_folder.publish(folder, step, keep)


def _texts(path):
  """Returns what the two files of a checkpoint hold."""
  return [pathlib.Path(path + end).read_text() for end in (".data-00000-of-00001", ".index")]


def _kill_at(monkeypatch, number):
  """Kills the process at the number-th change of the folder from here on."""
  changes = itertools.count()

  def counted(function):
    def killed_or_done(*arguments, **options):
      if next(changes) == number:
        raise _KilledError
      return function(*arguments, **options)

    return killed_or_done

  for owner, name in (
    (pathlib.Path, "write_text"),
    (pathlib.Path, "replace"),
    (pathlib.Path, "unlink"),
    (os, "fsync"),
    (os, "rmdir"),
  ):
    monkeypatch.setattr(owner, name, counted(getattr(owner, name)))


@pytest.mark.parametrize("step", [3, 2], ids=["the next step", "the same step"])
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint_and_the_next_save_is_clean(tmp_path, step):
  moments = 0
  for number in itertools.count():
    folder = tmp_path / str(number)
    _save(folder, 1, "one")
    _save(folder, 2, "two")
    with pytest.MonkeyPatch.context() as patch:
      _kill_at(patch, number)
      try:
        _save(folder, step, "new")
      except _KilledError:
        moments += 1
      else:
        break
    usable = [path for path in checkpoint_folder.latest_first(folder) if _is_whole(path)]
    texts = _texts(usable[0])
    assert texts[0] == texts[1] and texts[0] in {"one", "two", "new"}
    # Only of a step that is saved again may the latest be lost, and then not the one before it.
    if step == 3:
      assert usable[0] == checkpoint_folder.latest_first(folder)[0] and texts[0] != "one"
    _save(folder, 4, "four")
    names = {path.name for path in folder.iterdir()}
    kept = checkpoint_folder.steps(folder)
    assert kept[-1] == 4 and len(kept) == 2
    files = {f"ckpt-{kept_step}{end}" for kept_step in kept for end in (".index", _DATA)}
    assert names == files | {"checkpoint"}
  assert moments >= 8


_DATA = ".data-00000-of-00001"


def _is_whole(path):
  return pathlib.Path(path + ".index").exists() and pathlib.Path(path + _DATA).exists()


def test_tensorflow_finds_the_latest_one_even_if_the_folder_is_moved(tmp_path):
  _save(tmp_path / "here", 1, "one")
  assert _save(tmp_path / "here", 12, "two") == str(tmp_path / "here" / "ckpt-12")
  (tmp_path / "here").rename(tmp_path / "there")
  assert tf.train.latest_checkpoint(str(tmp_path / "there")) == str(tmp_path / "there" / "ckpt-12")
  state = tf.train.get_checkpoint_state(str(tmp_path / "there"))
  assert [pathlib.Path(path).name for path in state.all_model_checkpoint_paths] == [
    "ckpt-1",
    "ckpt-12",
  ]


def test_the_latest_come_first_and_older_ones_go(tmp_path):
  for step in (2, 10, 100):
    _save(tmp_path, step, str(step))
  assert checkpoint_folder.latest_first(tmp_path) == [
    str(tmp_path / "ckpt-100"),
    str(tmp_path / "ckpt-10"),
  ]


def test_a_run_that_went_back_forgets_what_came_after(tmp_path):
  for step in (2, 4, 6):
    _save(tmp_path, step, str(step), keep=3)
  (tmp_path / "checkpoint").write_text('model_checkpoint_path: "ckpt-4"\n')
  assert [path[-1] for path in checkpoint_folder.latest_first(tmp_path)] == ["4", "2"]
  _save(tmp_path, 5, "5", keep=3)
  assert checkpoint_folder.steps(tmp_path) == [2, 4, 5]


@pytest.mark.parametrize("content", [None, "", "\0\0", 'model_checkpoint_path: "elsewhere"'])
def test_without_a_usable_state_all_that_are_there_count(tmp_path, content):
  for step in (2, 4):
    _save(tmp_path, step, str(step))
  (tmp_path / "checkpoint").unlink()
  if content is not None:
    (tmp_path / "checkpoint").write_text(content)
  assert [path[-1] for path in checkpoint_folder.latest_first(tmp_path)] == ["4", "2"]


def test_the_one_that_is_named_is_tried_even_if_its_files_are_gone(tmp_path):
  for step in (2, 4):
    _save(tmp_path, step, str(step))
  (tmp_path / "ckpt-4.index").unlink()
  assert [path[-1] for path in checkpoint_folder.latest_first(tmp_path)] == ["4", "2"]


def test_no_folder_holds_no_checkpoint(tmp_path):
  assert checkpoint_folder.latest_first(tmp_path / "nowhere") == []

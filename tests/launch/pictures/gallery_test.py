import pytest

from deblock.launch.evaluation import methods, protocol
from deblock.launch.pictures import gallery as gallery_lib
from deblock.launch.pictures import report, settings, sheets
from deblock.records.photos import results

SAME = methods.Method("same", lambda jpeg, tables: jpeg)
OTHER = methods.Method("some/run", lambda jpeg, tables: jpeg // 2)


def _collected(folder, picture, pair, report_images):
  gallery = gallery_lib.Gallery(folder, report_images)
  drawn = []
  for name in ("a/1.png", "b.png"):
    trials = gallery_lib.all_trials(
      pair, name, picture(24, 32), (10, 20), protocol.PUBLISHED, lambda: 0.0
    )
    gallery.add(trials)
    drawn += [path.relative_to(folder).as_posix() for path in gallery.draw(trials)]
  return drawn, gallery.finish(protocol.PUBLISHED)


def test_one_method_is_drawn_under_the_names_of_images_and_qualities(tmp_path, picture):
  drawn, lines = _collected(tmp_path, picture, [SAME], 2)
  assert drawn == ["a/1.png-q10.png", "a/1.png-q20.png", "b.png-q10.png", "b.png-q20.png"]
  files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
  assert files == {
    *drawn,
    *(report.FILE, sheets.FILE, results.NAME, f"a/{results.NAME}"),
  }
  # No program takes these pictures for clean images.
  assert set(results.load(tmp_path)) == {*drawn[2:], report.FILE, sheets.FILE}
  size = (tmp_path / report.FILE).stat().st_size
  assert lines == [
    f"report: {tmp_path / report.FILE} ({report.size_text(size)})",
    f"contact sheet: {tmp_path / sheets.FILE}",
  ]


def test_of_several_methods_pictures_are_told_apart(tmp_path, picture):
  drawn, _ = _collected(tmp_path, picture, [SAME, OTHER], 2)
  assert drawn[:2] == ["a/1.png-q10-same.png", "a/1.png-q10-some_run.png"] and len(drawn) == 8


def _trials(picture, name):
  return gallery_lib.all_trials(
    [SAME], name, picture(24, 32), (10,), protocol.PUBLISHED, lambda: 0.0
  )


def test_no_picture_is_lost_or_written_elsewhere(tmp_path, picture):
  gallery = gallery_lib.Gallery(tmp_path / "out", 0)
  drawn = [path for name in ("a/b.png", "a_b.png") for path in gallery.draw(_trials(picture, name))]
  assert len(set(drawn)) == 2 and all(path.exists() for path in drawn)
  with pytest.raises(ValueError, match="two pictures would be"):
    gallery.draw(_trials(picture, "a/b.png"))
  for name in ("../b.png", "a/../../b.png", f"{tmp_path}/b.png"):
    with pytest.raises(ValueError, match="leads out of the folder"):
      gallery.draw(_trials(picture, name))
  assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_no_file_of_another_program_is_replaced(tmp_path, picture):
  (tmp_path / "b.png-q10.png").write_bytes(b"a holiday")
  gallery = gallery_lib.Gallery(tmp_path, 0)
  with pytest.raises(FileExistsError, match=r"b\.png-q10\.png is there and was not written by"):
    gallery.draw(_trials(picture, "b.png"))
  assert (tmp_path / "b.png-q10.png").read_bytes() == b"a holiday"


def test_the_report_shows_as_many_images_as_asked_for_and_the_figures_of_all(tmp_path, picture):
  _, lines = _collected(tmp_path, picture, [SAME], 1)
  page = (tmp_path / report.FILE).read_text()
  assert page.count('"clean":') == 1 and "The first 1 of 2 images" in page
  assert page.count('<td class="name">b.png</td>') == 2
  _, lines = _collected(tmp_path, picture, [SAME], 0)
  assert len(lines) == 1 and '"cards":[]' in (tmp_path / report.FILE).read_text()


def test_a_negative_number_of_images_is_refused():
  with pytest.raises(ValueError, match=r"report_images must be at least 0, got -1\."):
    settings.CompareConfig(logdir=("run",), output="out", report_images=-1)
  with pytest.raises(ValueError, match="output must name a folder: use --output=DIR"):
    settings.CompareConfig(logdir=("run",))

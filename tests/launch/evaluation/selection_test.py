import dataclasses
import pathlib

import keras
import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.launch.evaluation import selection
from deblock.launch.evaluation import settings as evaluation_settings
from deblock.launch.run_folder import checkpoints, run_file
from deblock.model import restorer
from deblock.model.networks import registry
from deblock.records.graphics import kinds
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import manifest, schema
from deblock.records.photos import reading
from deblock.records.planning import config as records_config
from deblock.records.sources import opening
from deblock.records.writing import writer


@pytest.fixture
def started(small_run, tiny):
  """The settings of a run whose folder holds them and nothing else."""
  run = small_run(model=tiny)
  pathlib.Path(run.train.logdir).mkdir()
  run_file.save(run)
  return run


def _settings(run, **changes):
  return evaluation_settings.SelectionConfig(
    **{"logdir": (run.train.logdir,), "output": "out", **changes}
  )


@pytest.fixture
def folder(tmp_path, picture):
  """A folder of one image and one broken file."""
  path = tmp_path / "mine"
  path.mkdir()
  Image.fromarray(picture(40, 48, 9)).save(path / "a.png")
  (path / "b.png").write_bytes(b"no picture")
  return path


def test_without_images_the_held_out_ones_of_the_run_are_taken(started, records):
  chosen, qualities = selection.choose(_settings(started))
  loaded = manifest.load(records)
  assert sorted((image.id, image.path) for image in chosen.images) == sorted(
    (image.id, image.path) for image in loaded.images if image.split == "test"
  )
  assert 0 < len(chosen.images) < len(loaded.images)
  assert tuple(qualities) == loaded.qualities


def test_images_that_are_named_are_taken_instead(started, records, folder):
  chosen, qualities = selection.choose(_settings(started, images=str(folder)))
  assert [(image.id, image.path) for image in chosen.images] == [
    (name, str(folder / name)) for name in ("a.png", "b.png")
  ]
  assert tuple(qualities) == manifest.load(records).qualities


def test_qualities_that_are_named_are_taken_instead(started, folder):
  _, qualities = selection.choose(_settings(started, qualities=(77,)))
  assert tuple(qualities) == (77,)
  _, qualities = selection.choose(_settings(started, images=str(folder), qualities=(5, 6)))
  assert tuple(qualities) == (5, 6)


def test_drawn_images_are_drawn_again(started, tmp_path):
  drawn = {
    "source": "graphics",
    "graphics_count": 2,
    "graphics_side": 64,
    "graphics_split": "valid",
  }
  other = str(tmp_path / "other")
  writer.write(
    records_config.RecordsConfig(records=other, tile_size=64, test_share=1.0, seed=3, **drawn)
  )
  chosen, _ = selection.choose(_settings(started, records=other))
  found = dict(selection.read(chosen))
  for index in range(2):
    pixels = found[f"graphics/valid/seed3/64px/{index:06}-{kinds.kind(index)}"]
    np.testing.assert_array_equal(pixels, kinds.draw("valid", 3, index, 64))


def test_other_records_are_taken_where_they_are_named(started, folder, tmp_path):
  other = str(tmp_path / "other")
  (folder / "b.png").unlink()
  writer.write(
    records_config.RecordsConfig(
      images=str(folder), records=other, qualities=(33,), tile_size=0, test_share=1.0
    )
  )
  chosen, qualities = selection.choose(_settings(started, records=other))
  assert [image.id for image in chosen.images] == ["a.png"]
  assert tuple(qualities) == (33,)


def _chosen(path, jpeg_downscale=1.0):
  source = opening.open_source(images=str(path))
  return selection.Chosen(source, source.list(), jpeg_downscale)


def test_what_the_records_took_for_clean_is_the_reference(started, picture, tmp_path):
  path, other = tmp_path / "jpegs", str(tmp_path / "other")
  path.mkdir()
  Image.fromarray(picture(96, 64, 9)).save(path / "a.jpg", quality=50)
  writer.write(
    records_config.RecordsConfig(
      images=str(path), records=other, tile_size=0, test_share=1.0, jpeg_downscale=2.0
    )
  )
  chosen, _ = selection.choose(_settings(started, records=other))
  ((_, pixels),) = selection.read(chosen)
  (record,) = tf.data.TFRecordDataset(manifest.load(other).shard_paths("test"))
  np.testing.assert_array_equal(pixels, schema.parse(record, "raw").clean)


def test_images_are_read_as_they_are(folder, picture):
  ((image, pixels),) = selection.read(_chosen(folder / "a.png"))
  assert image == "a.png"
  np.testing.assert_array_equal(pixels, picture(40, 48, 9))


def test_a_broken_image_is_named_and_not_left_out(folder):
  every = selection.read(_chosen(folder))
  next(every)
  with pytest.raises(reading.ImageError, match=f"{folder / 'b.png'}: "):
    next(every)


def _restorer(settings):
  (method,) = selection.load_methods(settings)
  return method.restore


def test_runs_that_hold_out_other_images_need_images_that_are_named(
  started, small_run, tiny, folder, tmp_path
):
  (folder / "b.png").unlink()
  other = str(tmp_path / "other")
  writer.write(
    records_config.RecordsConfig(
      images=str(folder), records=other, qualities=(10,), tile_size=0, test_share=1.0
    )
  )
  second = small_run(model=tiny, records=other, logdir=str(tmp_path / "second"))
  pathlib.Path(second.train.logdir).mkdir()
  run_file.save(second)
  both = (started.train.logdir, second.train.logdir)
  with pytest.raises(
    ValueError, match=f"{both[0]} and {both[1]} hold out different images: .*--images"
  ):
    selection.choose(_settings(started, logdir=both))
  chosen, _ = selection.choose(_settings(started, logdir=both, images=str(folder)))
  assert [image.id for image in chosen.images] == ["a.png"]


@pytest.mark.parametrize(
  ("restore_best", "checkpoint", "step"),
  [(False, "", 4), (False, "best", 2), (True, "", 2), (True, "latest", 4)],
)
def test_a_run_has_the_weights_of_its_latest_checkpoint_or_of_the_best_where_that_is_asked_for(
  started, monkeypatch, restore_best, checkpoint, step
):
  stopping = dataclasses.replace(started.stopping, restore_best=restore_best)
  run_file.save(dataclasses.replace(started, stopping=stopping))
  network = registry.configured(started.model).build(started.model.width, started.model.residual)
  optimizer = keras.optimizers.SGD(0.1)
  optimizer.build(network.trainable_variables)
  saver = checkpoints.Checkpoints(started.train.logdir, network, optimizer)
  for number, save in ((2, saver.save_best), (4, saver.save)):
    network.weights[0].assign(np.full(network.weights[0].shape, number))
    saver.step.assign(number)
    save()
  taken = []
  monkeypatch.setattr(restorer, "Restorer", lambda network, *others, **named: taken.append(network))
  (method,) = selection.load_methods(_settings(started, checkpoint=checkpoint))
  assert method.name == started.train.logdir
  assert (taken[0].weights[0].numpy() == step).all()


def test_a_network_that_ships_needs_no_run(folder, picture):
  (folder / "b.png").unlink()
  settings = evaluation_settings.SelectionConfig(
    model=("fast",), images=str(folder), qualities=(15,), output="out"
  )
  chosen, qualities = selection.choose(settings)
  assert ([image.id for image in chosen.images], tuple(qualities)) == (["a.png"], (15,))
  clean = picture(40, 48, 9)
  jpeg = codec.decode(codec.encode(clean, 15, "420"))
  restored = _restorer(settings)(jpeg, jpeg_tables.quantization_tables(15))
  assert restored.shape == clean.shape
  errors = [np.mean((made.astype(float) - clean) ** 2) for made in (jpeg, restored)]
  assert errors[1] < errors[0]


def test_a_network_that_ships_takes_the_held_out_images_and_qualities_of_records(records, folder):
  settings = evaluation_settings.SelectionConfig(model=("fast",), records=records, output="out")
  chosen, qualities = selection.choose(settings)
  loaded = manifest.load(records)
  assert {image.id for image in chosen.images} == {
    image.id for image in loaded.images if image.split == "test"
  }
  assert tuple(qualities) == loaded.qualities
  named = dataclasses.replace(settings, images=str(folder))
  assert tuple(selection.choose(named)[1]) == loaded.qualities


def test_a_folder_without_a_run_is_named(tmp_path):
  settings = evaluation_settings.SelectionConfig(logdir=(str(tmp_path),), output="out")
  with pytest.raises(FileNotFoundError, match=f"{tmp_path} holds no run"):
    selection.choose(settings)
  with pytest.raises(FileNotFoundError, match=f"{tmp_path} holds no run"):
    _restorer(settings)


def test_a_run_without_a_checkpoint_is_named(started):
  where = pathlib.Path(started.train.logdir) / checkpoints.FOLDER
  with pytest.raises(FileNotFoundError, match=f"{where} has no checkpoint"):
    selection.load_methods(_settings(started))


def test_a_folder_without_images_is_named(started, tmp_path):
  missing = str(tmp_path / "nothing")
  with pytest.raises(FileNotFoundError, match=missing):
    selection.choose(_settings(started, images=missing))


def test_records_without_a_test_image_say_what_to_do(started, folder, tmp_path):
  other = str(tmp_path / "other")
  (folder / "b.png").unlink()
  writer.write(
    records_config.RecordsConfig(images=str(folder), records=other, tile_size=0, test_share=0.0)
  )
  with pytest.raises(ValueError, match=f"{other} has no test images: .*--images"):
    selection.choose(_settings(started, records=other))


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"logdir": ()}, r"logdir must .*--logdir=DIR, or model .*--model=default.*: got neither\."),
    ({"logdir": ("a", "a")}, r"logdir must name each once, got a,a\."),
    ({"model": ("tv", "tv")}, r"model must name each once, got tv,tv\."),
    ({"model": ("best",)}, r"model must be one of default, fast, identity, .*, got 'best'\."),
    ({"logdir": (), "model": ("fast",)}, "model fast has no records .* --images and --qualities"),
    ({"logdir": (), "model": ("fast", "tv"), "images": "i"}, "model fast,tv has no records of its"),
    ({"logdir": (), "model": ("fast",), "qualities": (9,)}, "model fast has no records of its own"),
    ({"gray": True, "luma": True}, "gray and luma exclude each other"),
    (
      {"double_quality": 101},
      r"double_quality, unless 0, must be an integer in \[1, 100\], got 101\.",
    ),
    ({"double_shift": 8}, r"double_shift must be in \[0, 7\], .* got 8\."),
    ({"checkpoint": "first"}, "checkpoint must be one of latest, best, got 'first'"),
    (
      {"logdir": (), "model": ("fast",), "images": "i", "qualities": (9,), "checkpoint": "best"},
      "checkpoint best is of a run: name its folder with --logdir=DIR",
    ),
    ({"qualities": (10, 101)}, r"each of qualities must be an integer in \[1, 100\], got 101\."),
    ({"qualities": (0,)}, r"each of qualities must be an integer in \[1, 100\], got 0\."),
    ({"weights": "best"}, "weights must be one of auto, raw, averaged, got 'best'"),
    (
      {"logdir": (), "model": ("fast",), "images": "i", "qualities": (9,), "weights": "raw"},
      "weights raw are of a run: name its folder with --logdir=DIR",
    ),
    ({"subsampling": "411"}, "subsampling must be one of 420, 422, 444, got '411'"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    evaluation_settings.SelectionConfig(**{"logdir": ("run",), "output": "out", **change})


def test_images_that_cannot_be_measured_are_named_together(started, folder, picture):
  Image.fromarray(picture(30, 12, 1)).save(folder / "c.png")
  settings = _settings(started, qualities=(10,))
  with pytest.raises(ValueError, match=r"1 of 3 images cannot be measured: .*/b\.png: "):
    selection.check(_chosen(folder), settings, 11)
  shifted = _settings(started, qualities=(10,), double_quality=20)
  message = r"2 of 3 images .*/b\.png: .*; .*/c\.png: 30x12 pixels before 4 rows .* need 11x11\.$"
  with pytest.raises(ValueError, match=message):
    selection.check(_chosen(folder), shifted, 11)


def test_images_of_one_colour_are_named(started, folder):
  (folder / "b.png").unlink()
  Image.new("RGB", (20, 20), "white").save(folder / "blank.png")
  (note,) = selection.check(_chosen(folder), _settings(started, qualities=(10,)), 11)
  assert note.startswith(f"{folder / 'blank.png'} has one colour only")


@pytest.mark.parametrize(
  ("metrics", "message"),
  [
    (("psnr", "lpips"), "some of psnr, ssim, psnr_b, ssimulacra2, got 'lpips'"),
    (("ssim",), "metrics must name psnr"),
    (("psnr", "psnr"), "name each once"),
  ],
)
def test_metrics_are_checked(metrics, message):
  with pytest.raises(ValueError, match=message):
    evaluation_settings.EvaluateConfig(
      model=("fast",), images="i", qualities=(10,), metrics=metrics
    )

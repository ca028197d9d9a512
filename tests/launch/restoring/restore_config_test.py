import pytest

from deblock.launch.restoring import restore_config


def test_the_defaults_need_a_folder_alone():
  config = restore_config.RestoreConfig(out="o")
  assert (config.model, config.format, config.metadata) == ("default", "png", "keep")
  restore_config.RestoreConfig(out="o", model="mine", logdir="run")
  restore_config.RestoreConfig(out="o", model="mine.onnx")


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"out": ""}, "out must name a folder: use --out=DIR"),
    ({"model": "best"}, r"model must be one of default, fast or FILE\.onnx, got 'best'"),
    ({"model": "defualt"}, r"got 'defualt'\. Did you mean default\?"),
    ({"device": "gpu"}, "device must be one of auto, cpu, cuda, got 'gpu'"),
    ({"checkpoint": "first"}, "checkpoint must be one of latest, best, got 'first'"),
    ({"checkpoint": "best"}, "checkpoint best is of a run: name its folder with --logdir=DIR"),
    ({"format": "gif"}, "format must be one of png, webp, tiff, jpg, got 'gif'"),
    ({"suffix": "a/b"}, "suffix must be a part of a file's name, got 'a/b'"),
    ({"strength": -0.1}, r"strength must be in \[0, 1\], got -0.1"),
    ({"quality": 101}, r"quality must be an integer in \[1, 100\], got 101"),
    ({"quality": -1}, r"quality must be an integer in \[1, 100\], got -1"),
    ({"depth": 12}, "depth must be 8 or 16, got 12"),
    ({"depth": 16, "format": "webp"}, "depth must be 8 with format webp, which has no more"),
    ({"metadata": "some"}, "metadata must be one of keep, strip, got 'some'"),
    ({"max_memory": 255}, "max_memory must be at least 256 MiB, got 255"),
    ({"max_megapixels": 0.0}, r"max_megapixels must be in \(0, 178\], got 0"),
    ({"max_megapixels": 200.0}, r"max_megapixels must be in \(0, 178\], got 200"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    restore_config.RestoreConfig(**{"out": "o", **change})

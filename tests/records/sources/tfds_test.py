import io
import itertools
import pickle

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.records import quiet
from deblock.records.photos import reading
from deblock.records.sources import tfds as tfds_source

with quiet.everything():
  import tensorflow_datasets as tfds

# Three files of examples: the second run of 64 neighbours has enough in the first and in the last
# that files taken in turns, as TFDS does by itself, would mix them up.
_LENGTHS = (90, 5, 55)
_COUNT = sum(_LENGTHS)
_JPEG, _DAMAGED, _SIXTEEN_BITS = 3, 7, 9


def _pixels(index):
  return np.full((4, 5, 3), index, np.uint8)


def _encoded(index):
  if index == _DAMAGED:
    return b"\x89PNG\r\n\x1a\n and no more"
  if index == _SIXTEEN_BITS:
    picture = Image.fromarray(np.full((4, 5), index * 256 + 1, np.uint16))
  else:
    picture = Image.fromarray(_pixels(index))
  file = io.BytesIO()
  picture.save(file, "JPEG" if index == _JPEG else "PNG", quality=100)
  return file.getvalue()


_FEATURES = tfds.features.FeaturesDict(
  {
    "photo": tfds.features.Image(),
    "pair": {"left": tfds.features.Image(), "number": tfds.features.Scalar(np.int64)},
    "raw": tfds.features.Tensor(shape=(4, 5, 3), dtype=np.uint8, encoding="bytes"),
    "gray": tfds.features.Tensor(shape=(2, 2, 1), dtype=np.uint8, encoding="bytes"),
    "depth": tfds.features.Image(shape=(None, None, 1), dtype=np.float32),
    "other": tfds.features.Image(),
  }
)


def _example(index):
  value = {
    "photo": io.BytesIO(_encoded(index)),
    "pair": {"left": io.BytesIO(_encoded(index)), "number": index},
    "raw": _pixels(index),
    "gray": _pixels(index)[:2, :2, :1],
    "depth": np.zeros((2, 2, 1), np.float32),
    # That it is never decoded is what lets these tests pass.
    "other": io.BytesIO(b"garbage"),
  }
  serializer = tfds.core.example_serializer.ExampleSerializer(_FEATURES.get_serialized_info())
  return serializer.serialize_example(_FEATURES.encode_example(value))


def _prepare(data_dir, name, config=""):
  folder = data_dir / name / config / "1.0.0"
  folder.mkdir(parents=True)
  template = tfds.core.ShardedFileTemplate(
    data_dir=str(folder), dataset_name=name, split="train", filetype_suffix="tfrecord"
  )
  index = itertools.count()
  for number, length in enumerate(_LENGTHS):
    path = template.sharded_filepath(shard_index=number, num_shards=len(_LENGTHS))
    with tf.io.TFRecordWriter(str(path)) as writer:
      for _ in range(length):
        writer.write(_example(next(index)))
  info = tfds.core.SplitInfo(
    name="train", shard_lengths=list(_LENGTHS), num_bytes=1, filename_template=template
  )
  tfds.folder_dataset.write_metadata(
    data_dir=str(folder), features=_FEATURES, split_infos=[info], version="1.0.0", check_data=False
  )
  return folder


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  """Two prepared data sets; tests must not change them."""
  root = tmp_path_factory.mktemp("tfds")
  _prepare(root, "photographs")
  _prepare(root, "sized", "small")
  return str(root)


@pytest.fixture
def source(data_dir):
  """The function (feature="photo") -> TfdsSource."""
  return lambda feature="photo": tfds_source.TfdsSource("photographs", "train", feature, data_dir)


def test_every_example_is_listed_in_order(source):
  found = source().list()
  assert len(found) == len({image.id for image in found}) == _COUNT
  assert found[7].id == found[7].group == "photographs/train/000000007"
  assert found[7].path == "tfds:photographs/train/000000007"
  assert [image.id for image in found] == sorted(image.id for image in found)


def test_chunks_are_runs_of_64(source):
  runs = [list(run) for _, run in itertools.groupby(source().list(), lambda image: image.chunk)]
  assert [len(run) for run in runs] == [64, 64, _COUNT - 128]
  assert len({run[0].chunk for run in runs}) == 3


def test_every_image_is_read_as_it_was_stored(source):
  everything = source().list()
  found = list(source().read(everything))
  assert [image for image, _ in found] == list(everything)
  for index, (_, picture) in enumerate(found):
    if index != _DAMAGED:
      assert picture.format == ("JPEG" if index == _JPEG else "PNG")
      np.testing.assert_array_equal(picture.pixels, _pixels(index))


def test_a_damaged_image_costs_only_itself(source):
  found = dict(source().read(source().list()))
  ((image, error),) = ((k, v) for k, v in found.items() if isinstance(v, reading.ImageError))
  assert image.id == f"photographs/train/{_DAMAGED:09d}"
  assert str(error).startswith(f"tfds:{image.id}: cannot be read as an image: ")


def test_any_subset_is_read_in_the_order_given(source):
  everything = source().list()
  order = np.random.default_rng(0).permutation(_COUNT)[:40]
  order = order[order != _DAMAGED]
  wanted = [everything[index] for index in sorted(order, key=lambda index: index // 64)]
  for chosen in (wanted, wanted[::-1], wanted[5:6], [everything[index] for index in order[:9]]):
    found = list(source().read(chosen))
    assert [image for image, _ in found] == list(chosen)
    for image, picture in found:
      np.testing.assert_array_equal(picture.pixels, _pixels(int(image.id[-9:])))


def test_neighbours_are_read_in_one_go(source, monkeypatch):
  slices = []
  as_dataset = tfds.core.DatasetBuilder.as_dataset

  def counted(self, split, **options):
    slices.append((split.from_, split.to))
    return as_dataset(self, split=split, **options)

  monkeypatch.setattr(tfds.core.DatasetBuilder, "as_dataset", counted)
  everything = source().list()
  assert len(list(source().read(everything[:60] + everything[70:80]))) == 70
  assert slices == [(0, 60), (70, 80)]


def test_a_feature_within_a_feature_is_read(source):
  (image,) = source().list()[5:6]
  ((_, picture),) = source("pair/left").read([image])
  assert picture.format == "PNG"
  np.testing.assert_array_equal(picture.pixels, _pixels(5))


def test_pixels_without_a_file_are_taken_as_they_are(source):
  chosen = source().list()[100:102]
  colour = [picture for _, picture in source("raw").read(chosen)]
  gray = [picture for _, picture in source("gray").read(chosen)]
  assert [picture.format for picture in colour + gray] == [""] * 4
  np.testing.assert_array_equal(colour[1].pixels, _pixels(101))
  np.testing.assert_array_equal(gray[1].pixels, _pixels(101)[:2, :2])
  assert gray[1].pixels.flags["C_CONTIGUOUS"] and gray[1].pixels.flags["WRITEABLE"]


def test_a_damaged_file_is_told_of_the_images_that_it_takes_along(tmp_path):
  folder = _prepare(tmp_path, "broken")
  path = sorted(folder.glob("*tfrecord*"))[0]
  data = bytearray(path.read_bytes())
  data[len(data) * 20 // 90] ^= 255
  path.write_bytes(data)
  source = tfds_source.TfdsSource("broken", "train", "raw", str(tmp_path))
  everything = source.list()
  found = list(source.read(everything))
  assert [image for image, _ in found] == list(everything)
  bad = [index for index, (_, what) in enumerate(found) if isinstance(what, reading.ImageError)]
  assert 15 < bad[0] < 25
  # The rest of its run; what is only passed over on the way to another one need not be whole.
  assert bad == list(range(bad[0], 64))
  assert "cannot be read: " in str(found[bad[0]][1])


def test_the_source_is_plain_values(source):
  assert pickle.loads(pickle.dumps(source())) == source()
  assert len(pickle.dumps(source())) < 500


def test_a_configuration_can_be_named_or_left_out(data_dir):
  named = tfds_source.TfdsSource("sized/small", "train", "photo", data_dir).list()
  assert named[1].id == "sized/small/train/000000001"
  version = tfds_source.TfdsSource("sized/small:1.0.0", "train", "photo", data_dir).list()
  assert version[1].id == "sized/small:1.0.0/train/000000001"


def _open(data_dir, name="photographs", split="train", feature="photo"):
  return tfds_source.TfdsSource(name, split, feature, data_dir).list()


def test_a_data_set_that_is_not_prepared_is_not_fetched(data_dir, tmp_path, monkeypatch):
  def offline(*_):
    raise AssertionError("the network was asked")

  monkeypatch.setattr("socket.socket.connect", offline)
  message = r"source tfds:div2k/bicubic_x4: it is not prepared: run `tfds build div2k/bicubic_x4`"
  with pytest.raises(ValueError, match=message):
    _open(data_dir, name="div2k/bicubic_x4")
  with pytest.raises(ValueError, match=f"--tfds_dir.*{tmp_path} holds no data set"):
    _open(str(tmp_path), name="div2k")
  assert not list(tmp_path.iterdir())


_IMAGES = "the images of photographs/1.0.0 are gray, other, pair/left, photo, raw"


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"name": "div2kk"}, r"source tfds:div2kk: TFDS knows no such data set; similar .* div2k[,;]"),
    ({"name": "div2kk"}, r"/tfds\d+ holds photographs, sized/small\.$"),
    ({"name": "sized/large"}, r"source tfds:sized/large: it is not prepared: .* sized/small"),
    ({"name": "a b"}, "source tfds:a b cannot be opened: "),
    (
      {"split": "train[:5]"},
      r"tfds_split must be one of train, the splits of photographs, got 'train\[:5\]'",
    ),
    ({"feature": "lr"}, f"tfds_feature 'lr' does not exist; {_IMAGES}"),
    ({"feature": ""}, f"tfds_feature '' does not exist; {_IMAGES}"),
    ({"feature": "pair/left/x"}, f"tfds_feature 'pair/left/x' does not exist; {_IMAGES}"),
  ],
)
def test_what_is_not_there_is_named_with_what_is(data_dir, change, message):
  with pytest.raises(ValueError, match=message):
    _open(data_dir, **change)


@pytest.mark.parametrize("feature", ["depth", "pair/number"])
def test_a_feature_that_holds_no_images_is_named(data_dir, feature):
  with pytest.raises(ValueError, match=f"tfds_feature '{feature}' has no images"):
    _open(data_dir, feature=feature)
  with pytest.raises(ValueError, match=f"tfds_feature '{feature}' has no images"):
    next(tfds_source.TfdsSource("photographs", "train", feature, data_dir).read(()))

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from deblock.records.jpeg import codec
from deblock.records.layout import schema, triple
from deblock.records.writing import writer


@pytest.fixture
def value(photograph):
  clean = photograph(32, 48)
  return triple.PatchTriple(
    clean=clean,
    compressed=tuple(codec.encode(clean, quality) for quality in (10, 20)),
    qualities=(10, 20),
    key="folder/image.png/0/48",
  )


def _example(**features):
  encoded = {}
  for name, content in features.items():
    if isinstance(content[0], int):
      encoded[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=content))
    else:
      encoded[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=content))
  example = tf.train.Example(features=tf.train.Features(feature=encoded))
  return example.SerializeToString()


ENCODINGS = pytest.mark.parametrize("clean_encoding", ["raw", "png"])


@ENCODINGS
def test_the_table_has_a_feature_for_each_field_of_both_types(value, clean_encoding):
  example = tf.train.Example.FromString(schema.to_example(value, clean_encoding))
  names = set(example.features.feature)
  assert names == {f.name for f in schema.FEATURES if f.encoding in ("", clean_encoding)}
  fields = {name.split("/")[0] for name in names}
  assert fields == set(schema.Element._fields)
  assert fields == {field.name for field in dataclasses.fields(triple.PatchTriple)}


@ENCODINGS
def test_a_triple_survives_the_example(value, clean_encoding):
  serialized = schema.to_example(value, clean_encoding)
  back = schema.from_example(serialized, clean_encoding)
  np.testing.assert_array_equal(back.clean, value.clean)
  assert (back.compressed, back.qualities, back.key) == (
    value.compressed,
    value.qualities,
    value.key,
  )


@ENCODINGS
def test_equal_triples_give_equal_bytes(value, clean_encoding):
  again = dataclasses.replace(value, clean=np.asfortranarray(value.clean))
  expected = schema.to_example(value, clean_encoding)
  assert schema.to_example(again, clean_encoding) == expected


@ENCODINGS
@pytest.mark.parametrize("count", [1, 2])
def test_a_record_is_parsed_alone_and_inside_a_dataset(value, count, clean_encoding):
  value = dataclasses.replace(
    value, compressed=value.compressed[:count], qualities=value.qualities[:count]
  )
  serialized = schema.to_example(value, clean_encoding)
  dataset = tf.data.Dataset.from_tensors(serialized).map(
    lambda record: schema.parse(record, clean_encoding)
  )
  assert dataset.element_spec.qualities == tf.TensorSpec([None], tf.int64)
  assert dataset.element_spec.clean == tf.TensorSpec([None, None, 3], tf.uint8)
  for element in (schema.parse(serialized, clean_encoding), next(iter(dataset))):
    assert element.key.numpy().decode() == value.key
    assert tuple(element.compressed.numpy()) == value.compressed
    assert tuple(element.qualities.numpy()) == value.qualities
    np.testing.assert_array_equal(element.clean.numpy(), value.clean)


def test_records_that_break_the_layout_do_not_parse():
  clean = {"clean/value": [b"abc"], "clean/shape": [1, 1, 3]}
  good = {"key": [b"a"], **clean, "compressed": [b"jpeg"], "qualities": [10]}
  schema.parse(_example(**good), "raw")
  with pytest.raises(tf.errors.InvalidArgumentError, match="one stream per quality"):
    schema.parse(_example(**{**good, "qualities": [10, 20]}), "raw")
  with pytest.raises(tf.errors.InvalidArgumentError, match="needs a compressed stream"):
    schema.parse(_example(key=[b"a"], **clean), "raw")
  with pytest.raises(tf.errors.InvalidArgumentError, match="clean"):
    schema.parse(_example(key=[b"a"]), "raw")
  with pytest.raises(tf.errors.InvalidArgumentError, match="clean"):
    schema.parse(_example(**good), "png")
  with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
    schema.parse(_example(**{**good, "clean/shape": [2, 1, 3]}), "raw")


def test_bytes_that_are_no_record_are_refused():
  with pytest.raises(ValueError, match=r"3 bytes are not a tf\.train\.Example"):
    schema.from_example(b"\xff\xff\xff", "png")
  with pytest.raises(ValueError, match="without 'key' is not a record"):
    schema.from_example(_example(other=[1]), "png")
  with pytest.raises(ValueError, match="'key' has 0 values"):
    schema.from_example(_example(key=[1], clean=[b""], compressed=[b""], qualities=[1]), "png")
  shape = {"clean/value": [b"abc"], "clean/shape": [1, 3]}
  with pytest.raises(ValueError, match="'clean/shape' has 2 values"):
    schema.from_example(_example(key=[b"a"], **shape, compressed=[b""], qualities=[1]), "raw")


def test_other_encodings_are_refused(value):
  with pytest.raises(ValueError, match="clean_encoding must be one of raw, png, got 'gif'"):
    schema.to_example(value, "gif")


@ENCODINGS
def test_tfds_serialises_a_triple_as_we_do(value, clean_encoding):
  features = schema.tfds_features(clean_encoding)
  theirs = features.serialize_example(
    {
      "key": value.key,
      "clean": value.clean,
      "compressed": list(value.compressed),
      "qualities": list(value.qualities),
    }
  )
  back = schema.from_example(theirs, clean_encoding)
  np.testing.assert_array_equal(back.clean, value.clean)
  assert back.compressed == value.compressed
  assert back.qualities == value.qualities


@ENCODINGS
def test_tfds_reads_a_folder_as_we_do(tmp_path, write_images, small_config, clean_encoding):
  images = write_images(tmp_path / "images")
  config = small_config(images, tmp_path / "out", clean_encoding=clean_encoding)
  writer.write(config)
  builder = tfds.builder_from_directory(config.records)
  assert builder.info.splits["train"].num_examples > 0
  for split in builder.info.splits:
    theirs = builder.as_dataset(split=split, shuffle_files=False)
    paths = sorted(tf.io.gfile.glob(f"{config.records}/deblock-{split}.tfrecord-*"))
    ours = tf.data.TFRecordDataset(paths).map(lambda record: schema.parse(record, clean_encoding))
    expected = {element.key.numpy(): element for element in ours}
    seen = 0
    for example in theirs:
      element = expected[example["key"].numpy()]
      np.testing.assert_array_equal(example["clean"].numpy(), element.clean.numpy())
      assert example["compressed"].numpy().tolist() == element.compressed.numpy().tolist()
      assert example["qualities"].numpy().tolist() == element.qualities.numpy().tolist()
      seen += 1
    assert seen == len(expected) == builder.info.splits[split].num_examples

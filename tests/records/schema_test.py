import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from deblock.records import codec, schema, triple


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


def test_the_table_has_a_feature_for_each_field_of_both_types():
  names = [feature.name for feature in schema.FEATURES]
  assert names == list(schema.Element._fields)
  assert set(names) == {field.name for field in dataclasses.fields(triple.PatchTriple)}


def test_a_triple_survives_the_example(value):
  back = schema.from_example(schema.to_example(value))
  np.testing.assert_array_equal(back.clean, value.clean)
  assert (back.compressed, back.qualities, back.key) == (
    value.compressed,
    value.qualities,
    value.key,
  )


def test_equal_triples_give_equal_bytes(value):
  again = dataclasses.replace(value, clean=value.clean.copy())
  assert schema.to_example(again) == schema.to_example(value)


@pytest.mark.parametrize("count", [1, 2])
def test_a_record_is_parsed_alone_and_inside_a_dataset(value, count):
  value = dataclasses.replace(
    value, compressed=value.compressed[:count], qualities=value.qualities[:count]
  )
  serialized = schema.to_example(value)
  dataset = tf.data.Dataset.from_tensors(serialized).map(schema.parse)
  assert dataset.element_spec.qualities == tf.TensorSpec([None], tf.int64)
  for element in (schema.parse(serialized), next(iter(dataset))):
    assert element.key.numpy().decode() == value.key
    assert tuple(element.compressed.numpy()) == value.compressed
    assert tuple(element.qualities.numpy()) == value.qualities
    np.testing.assert_array_equal(codec.tf_decode_png(element.clean).numpy(), value.clean)


def test_records_that_break_the_layout_do_not_parse():
  good = {"key": [b"a"], "clean": [b"png"], "compressed": [b"jpeg"], "qualities": [10]}
  schema.parse(_example(**good))
  with pytest.raises(tf.errors.InvalidArgumentError, match="one stream per quality"):
    schema.parse(_example(**{**good, "qualities": [10, 20]}))
  with pytest.raises(tf.errors.InvalidArgumentError, match="needs a compressed stream"):
    schema.parse(_example(key=[b"a"], clean=[b"png"]))
  with pytest.raises(tf.errors.InvalidArgumentError, match="clean"):
    schema.parse(_example(key=[b"a"]))


def test_bytes_that_are_no_record_are_refused(value):
  with pytest.raises(ValueError, match=r"3 bytes are no tf\.train\.Example"):
    schema.from_example(b"\xff\xff\xff")
  with pytest.raises(ValueError, match="without 'key' is no record"):
    schema.from_example(_example(other=[1]))
  with pytest.raises(ValueError, match="'key' has 0 values"):
    schema.from_example(_example(key=[1], clean=[b""], compressed=[b""], qualities=[1]))


def test_tfds_serialises_a_triple_as_we_do(value):
  features = schema.tfds_features()
  theirs = features.serialize_example(
    features.encode_example(
      {
        "key": value.key,
        "clean": value.clean,
        "compressed": list(value.compressed),
        "qualities": list(value.qualities),
      }
    )
  )
  back = schema.from_example(theirs)
  np.testing.assert_array_equal(back.clean, value.clean)
  assert back.compressed == value.compressed
  assert back.qualities == value.qualities


def test_tfds_reads_a_folder_as_we_do(records):
  builder = tfds.builder_from_directory(records.records)
  assert builder.info.splits["train"].num_examples > 0
  for split in builder.info.splits:
    theirs = builder.as_dataset(split=split, shuffle_files=False)
    paths = sorted(tf.io.gfile.glob(f"{records.records}/deblock-{split}.tfrecord-*"))
    ours = tf.data.TFRecordDataset(paths).map(schema.parse)
    expected = {element.key.numpy(): element for element in ours}
    seen = 0
    for example in theirs:
      element = expected[example["key"].numpy()]
      clean = codec.tf_decode_png(element.clean)
      np.testing.assert_array_equal(example["clean"].numpy(), clean.numpy())
      assert example["compressed"].numpy().tolist() == element.compressed.numpy().tolist()
      assert example["qualities"].numpy().tolist() == element.qualities.numpy().tolist()
      seen += 1
    assert seen == len(expected) == builder.info.splits[split].num_examples

import pytest
import tensorflow as tf

from deblock.records import graph_errors


def _decode(number):
  return tf.io.decode_jpeg(tf.strings.as_string(number))


def _next_in_function(dataset):
  iterator = iter(dataset)

  @tf.function
  def pull():
    for _ in tf.range(10):
      next(iterator)

  return pull


def _mapped():
  return tf.data.Dataset.range(1).map(_decode)


@pytest.mark.parametrize(
  "fail",
  [
    lambda: _decode(tf.constant(3)),
    lambda: list(_mapped()),
    lambda: _next_in_function(_mapped())(),
  ],
)
def test_what_happened_is_told_without_the_place(fail):
  with pytest.raises(tf.errors.InvalidArgumentError) as caught:
    fail()
  assert graph_errors.gist(caught.value).startswith("Unknown image file format. One of JPEG")
  assert "{{" not in graph_errors.gist(caught.value)


def test_a_message_is_one_short_printable_line():
  error = tf.errors.DataLossError(None, None, "lost \x00\x07 " + "x" * 1000 + "\n\t [[node]]")
  assert graph_errors.gist(error) == "lost ?? " + "x" * 192


def test_an_assertion_is_told_in_its_own_words():
  @tf.function
  def check(number):
    tf.debugging.assert_equal(number, 7, message="must be in [7, 7], a week")

  with pytest.raises(tf.errors.InvalidArgumentError) as caught:
    check(tf.constant(3))
  assert graph_errors.gist(caught.value) == "must be in [7, 7], a week"


def test_a_message_that_quotes_bytes_is_told_too():
  with pytest.raises(UnicodeDecodeError) as caught:
    tf.io.parse_single_example(b"\xff\xff", {"key": tf.io.FixedLenFeature([], tf.string)})
  assert graph_errors.gist(caught.value).startswith("Could not parse example input, value: '")


def test_an_error_without_words_is_told_by_its_kind():
  assert graph_errors.gist(tf.errors.DataLossError(None, None, "")) == "DataLossError"

"""Messages of TensorFlow's graph errors, without the place in the graph."""

import re

import tensorflow as tf

_MOST_LETTERS = 200  # Some errors quote a record.
_PLACE = re.compile(
  r"\{\{function_node [^}]*\}\} |Error in user-defined function passed to [^:]*:\d+ transformation "
  r"with iterator: \S+: "
)
# The message of an assertion; the condition and the tensors follow it.
_ASSERTION = re.compile(r"assertion failed: \[(.*?)\s*\] \[Condition ")
_LINE_OF_PLACE = re.compile(r"\s|Graph execution error|Detected at node|<stack traces")


def gist(error: tf.errors.OpError | UnicodeDecodeError) -> str:
  """Returns the line of an error that says what happened, in at most 200 printable letters.

  Args:
    error: raised by an operation, a dataset or a compiled function. UnicodeDecodeError is what
      TensorFlow raises for a message that quotes bytes of a record.
  """
  # The place stands in braces before the message, or in brackets after it.
  if isinstance(error, UnicodeDecodeError):
    message = error.object.decode("utf-8", "replace")
  else:
    message = error.message
  text = _PLACE.sub("", message).partition(" [Op:")[0]
  lines = [line for line in text.splitlines() if line.strip() and not _LINE_OF_PLACE.match(line)]
  line = lines[0].strip() if lines else type(error).__name__
  if assertion := _ASSERTION.match(line):
    line = assertion[1]
  printable = "".join(letter if letter.isprintable() else "?" for letter in line)
  return printable[:_MOST_LETTERS].rstrip(".")

"""What an error of TensorFlow's graph says, without where in the graph it happened."""

import re

import tensorflow as tf

_MOST_LETTERS = 200  # Some errors quote a record.
_PLACE = re.compile(
  r"\{\{function_node [^}]*\}\} |Error in user-defined function passed to [^:]*:\d+ transformation "
  r"with iterator: \S+: "
)
# The words that were given to an assertion; what follows them is the condition and the tensors.
_ASSERTION = re.compile(r"assertion failed: \[(.*?)\s*\] \[Condition ")
_LINE_OF_PLACE = re.compile(r"\s|Graph execution error|Detected at node|<stack traces")


def gist(error: tf.errors.OpError | UnicodeDecodeError) -> str:
  """Returns the line of an error that tells what happened, in at most 200 printable letters.

  Args:
    error: raised by an operation called by itself, by a dataset, or by a compiled function, whose
      messages begin with the place; or what TensorFlow raises when such a message is no text, since
      it quotes bytes.
  """
  # What is said of the place is in braces before the words, or after them in brackets.
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

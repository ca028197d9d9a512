"""Restores images of any size with a Keras network."""

import functools

import numpy as np
import tensorflow as tf

from deblock.model import tiling
from deblock.model.networks import registry
from deblock.records.jpeg import sampling as jpeg_sampling


def with_constants(network):
  """Returns the network's inference with its present weights written into the graph.

  oneDNN lays out a kernel that is a constant for its fastest convolutions, once; with a variable
  it takes ones that are five times as slow on a single image, and on some kernels far more.

  Args:
    network: keras.Model.
  Returns:
    A function of the network's inputs, to be compiled, to its output.
  """
  # Copies: a variable's own memory may be what it is assigned to next.
  trainable, fixed = (
    [np.array(variable.numpy()) for variable in variables]
    for variables in (network.trainable_variables, network.non_trainable_variables)
  )

  def call(inputs):
    weights = ([tf.constant(value) for value in values] for values in (trainable, fixed))
    restored, _ = network.stateless_call(*weights, inputs, training=False)
    return restored

  return call


class Restorer(tiling.Tiled):
  """A Keras network and how it is run over images of any size.

  A blockwise network (see `registry.Entry`) gets one 8x8 block with its surroundings at a time,
  many to a call; any other gets large tiles, with the same result to float tolerance. The tiles of
  a network that keeps the size end where the image does, so that it meets the image's border alone.
  A network that pools takes its means over a tile and its context, so the result is not the same
  for other tiles.

  Args:
    network: keras.Model built by `entry`.
    entry: what the registry says of it.
    tile: side of the square that is restored at a time, in pixels, a multiple of 8; None is
      `tiling.usual_tile`.
    constant: whether the weights stay as they are now, which makes restoring faster.
    ensemble: whether each tile is restored in its eight positions, see `self_ensemble`.
  Raises:
    ValueError: if `tile` is not a positive multiple of 8.
  """

  def __init__(
    self,
    network,
    entry: registry.Entry,
    tile: int | None = None,
    constant: bool = False,
    ensemble: bool = False,
  ):
    tile = tiling.usual_tile(entry) if tile is None else tile
    side = None if entry.keeps_size else tile + 2 * entry.context
    call = with_constants(network) if constant else functools.partial(network, training=False)
    run = tf.function(
      lambda tiles, tables: call(
        entry.inputs(tiles, tf.repeat(tables, tf.shape(tiles)[0], axis=0))
      ),
      input_signature=[
        tf.TensorSpec((None, side, side, 3), tf.float32),
        tf.TensorSpec((None, 2, jpeg_sampling.BLOCK, jpeg_sampling.BLOCK), tf.float32),
      ],
    )
    super().__init__(run, entry, tile, ensemble)

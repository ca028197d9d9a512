"""Restores images of any size with a Keras network."""

import functools

import numpy as np
import tensorflow as tf

from deblock.model import tiling
from deblock.model.networks import registry
from deblock.records.jpeg import sampling as jpeg_sampling


def with_constants(network):
  """Returns the network's inference with its current weights as constants of the graph.

  oneDNN uses its fastest convolutions for constant kernels. With variables, a single image takes
  five times as long, and far longer for some kernels.

  Args:
    network: keras.Model.
  Returns:
    A function of the network's inputs, to be compiled, to its output.
  """
  # Copies: assigning to a variable may write into its old memory.
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
  """A Keras network that runs over images of any size.

  A blockwise network (see `config.Traits`) gets single 8x8 blocks with their surroundings, many per
  call. Any other network gets large tiles, with the same result to float tolerance. The tiles of a
  network that keeps the size end at the image's border, so that it sees no other border. A network
  that pools takes means over a tile and its context, so its result depends on the tiles.

  Args:
    network: keras.Model built by `entry`.
    entry: of the registry.
    tile: side of a tile in pixels, a multiple of 8; None is `tiling.usual_tile`.
    constant: whether to freeze the current weights, which makes restoring faster.
    ensemble: whether to average the eight positions of each tile (`self_ensemble`).
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

"""The crops of several tiles mixed into batches, and the arithmetic of the stream.

A crop is copied once, into its batch. Until then lists of references travel, tensors of type
variant. Stacking the crops of a window as pixels would copy each of them twice more, into buffers
so large that the system maps new pages for every window.
"""

import dataclasses

import tensorflow as tf

from deblock.pipeline import batch, seeds


@dataclasses.dataclass(frozen=True)
class Window:
  """The tiles whose crops are mixed, and the batches made of them: the stream's arithmetic.

  Window w holds the tiles from `mixed_tiles` * w on, and the batches from `batches` * w on.

  Attributes:
    crops_per_tile: crops cut from each tile.
    mixed_tiles: tiles in a window.
    batch_size: crops in a batch.
  Raises:
    ValueError: if `batch_size` does not divide the crops of a window.
  """

  crops_per_tile: int
  mixed_tiles: int
  batch_size: int

  def __post_init__(self):
    """Raises ValueError where batches would not fill a window."""
    if self.crops % self.batch_size:
      raise ValueError(
        f"crops_per_tile times mixed_tiles, {self.crops}, must be a multiple of a host's batch of "
        f"{self.batch_size}."
      )

  @property
  def crops(self) -> int:
    """Crops in a window."""
    return self.crops_per_tile * self.mixed_tiles

  @property
  def batches(self) -> int:
    """Batches in a window."""
    return self.crops // self.batch_size

  def place(self, batch_index: int) -> tuple[int, int]:
    """Returns the window of a batch, and the number of batches before it in that window."""
    return divmod(batch_index, self.batches)

  def first_tile(self, batch_index: int) -> int:
    """Returns the index of the first tile in the window of a batch."""
    return self.place(batch_index)[0] * self.mixed_tiles

  def order(self, seed: int, number: tf.Tensor) -> tf.Tensor:
    """Returns the order of the crops of window `number`, int32 [crops]."""
    order_seed = seeds.derive(seed, number, seeds.MIX)
    return tf.random.experimental.stateless_shuffle(tf.range(self.crops), order_seed)


def hold(images) -> tf.Tensor:
  """Returns references to images, a variant scalar.

  Args:
    images: tensors of one shape and dtype, or one tensor with these along its first axis.
  """
  if tf.is_tensor(images):
    return tf.raw_ops.TensorListFromTensor(tensor=images, element_shape=images.shape[1:].as_list())
  held = tf.raw_ops.EmptyTensorList(
    element_shape=images[0].shape.as_list(), max_num_elements=-1, element_dtype=images[0].dtype
  )
  for image in images:
    held = tf.raw_ops.TensorListPushBack(input_handle=held, tensor=image)
  return held


def join(held: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
  """Returns the references that several tensors hold as one, a variant scalar, in their order.

  Args:
    held: variant [N], of `hold`; N is static.
    dtype: of the images.
  """
  parts = tf.unstack(held)
  # Pairwise: joining copies all references, so joining one after the other copies N times as many.
  while len(parts) > 1:
    pairs = zip(parts[::2], parts[1::2], strict=False)
    joined = [
      tf.raw_ops.TensorListConcatLists(input_a=one, input_b=other, element_dtype=dtype)
      for one, other in pairs
    ]
    parts = joined + parts[2 * len(joined) :]
  return parts[0]


def take(held: tf.Tensor, indices: tf.Tensor, shape, dtype: tf.DType) -> tf.Tensor:
  """Returns the images at `indices` as one tensor, [N, *shape]; here they are copied.

  Args:
    held: variant scalar, of `hold` or `join`.
    indices: int32 [N].
    shape: of an image.
    dtype: of the images.
  Raises:
    InvalidArgumentError: in the graph, if there is no image at an index.
  """
  taken = tf.raw_ops.TensorListGather(
    input_handle=held, indices=indices, element_shape=list(shape), element_dtype=dtype
  )
  return tf.ensure_shape(taken, [indices.shape[0], *shape])


def batches(
  tiles: tf.data.Dataset, window: Window, crop_size: int, seed: int, first_batch: int
) -> tf.data.Dataset:
  """Returns the dataset of `batch.Batch` of uint8 images that mixes the crops of tiles.

  The order of a window's crops depends on `seed` and the window's place in the stream only.

  Args:
    tiles: the tile's index in the stream, int64, and a Batch of its crops, whose images are held
      (`hold`); from `window.first_tile(first_batch)` on.
    window: how many tiles are mixed.
    crop_size: side of a crop.
    seed: of the run.
    first_batch: position in the stream of the first batch.
  """
  first_window, into_window = window.place(first_batch)
  shape, dtype = (crop_size, crop_size, 3), tf.uint8

  # AutoGraph has nothing to convert here, and takes long to find that out.
  @tf.autograph.experimental.do_not_convert
  def batches_of(indices, held):
    number = indices[0] // window.mixed_tiles
    order = window.order(seed, number)
    order = order[tf.where(number == first_window, into_window * window.batch_size, 0) :]
    compressed, clean = join(held.compressed, dtype), join(held.clean, dtype)
    quality, tables = (
      tf.reshape(part, [window.crops, *part.shape[2:]]) for part in (held.quality, held.tables)
    )

    @tf.autograph.experimental.do_not_convert
    def taken(chosen):
      return batch.Batch(
        take(compressed, chosen, shape, dtype),
        take(clean, chosen, shape, dtype),
        tf.gather(quality, chosen),
        tf.gather(tables, chosen),
      )

    batched = tf.reshape(order, [-1, window.batch_size])
    return tf.data.Dataset.from_tensor_slices(batched).map(taken)

  return tiles.batch(window.mixed_tiles, drop_remainder=True).flat_map(batches_of)

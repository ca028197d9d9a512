"""The crops of several tiles mixed into batches, without being copied on the way there.

Until a batch is made of it, a crop stays where it was cut or decoded: what travels are lists of
references, tensors of type variant. Stacking and batching the crops of a window as pixels copied
each of them two more times, into buffers so large (28 MB each for 1,024 crops of 96x96) that the
system had to provide their pages anew for every window: a seventh of the pipeline's time.
"""

import tensorflow as tf

from deblock.pipeline import batch, seeds


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
  # Pairwise, since joining copies all references: one after the other would copy N times as many.
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
  tiles: tf.data.Dataset,
  *,
  crop_size: int,
  crops_per_tile: int,
  mixed_tiles: int,
  batch_size: int,
  seed: int,
  first_batch: int,
) -> tf.data.Dataset:
  """Returns the dataset of `batch.Batch` of uint8 images that mixes the crops of tiles.

  The crops of `mixed_tiles` tiles, a window, are put in an order of their own, which depends on
  `seed` and the window's place in the stream alone.

  Args:
    tiles: the tile's index in the stream, int64, and a Batch of its crops, whose images are held
      (`hold`); from the window of the first batch on.
    crop_size: side of a crop.
    crops_per_tile: crops that a tile has.
    mixed_tiles: tiles in a window.
    batch_size: crops in a batch; it divides a window's crops.
    seed: of the run.
    first_batch: position in the stream of the first batch.
  """
  crops = crops_per_tile * mixed_tiles
  first_window, batches_into_window = divmod(first_batch, crops // batch_size)
  shape, dtype = (crop_size, crop_size, 3), tf.uint8

  # AutoGraph has nothing to convert here, and takes long to find that out.
  @tf.autograph.experimental.do_not_convert
  def batches_of(indices, held):
    window = indices[0] // mixed_tiles
    order_seed = seeds.derive(seed, window, seeds.MIX)
    order = tf.random.experimental.stateless_shuffle(tf.range(crops), order_seed)
    order = order[tf.where(window == first_window, batches_into_window * batch_size, 0) :]
    compressed, clean = join(held.compressed, dtype), join(held.clean, dtype)
    quality, tables = (
      tf.reshape(part, [crops, *part.shape[2:]]) for part in (held.quality, held.tables)
    )

    @tf.autograph.experimental.do_not_convert
    def taken(chosen):
      return batch.Batch(
        take(compressed, chosen, shape, dtype),
        take(clean, chosen, shape, dtype),
        tf.gather(quality, chosen),
        tf.gather(tables, chosen),
      )

    return tf.data.Dataset.from_tensor_slices(tf.reshape(order, [-1, batch_size])).map(taken)

  return tiles.batch(mixed_tiles, drop_remainder=True).flat_map(batches_of)

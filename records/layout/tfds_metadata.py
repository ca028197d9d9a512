"""The description that lets TFDS load a folder of records by its path alone."""

from collections.abc import Mapping, Sequence

from deblock.records.layout import manifest, schema


def write(
  folder: str, splits: Mapping[str, Sequence[manifest.ShardEntry]], clean_encoding: str
) -> None:
  """Writes `dataset_info.json` and `features.json` for `tfds.builder_from_directory`."""
  # Imported here because it takes seconds, which who only lists or reads records should not wait.
  import tensorflow_datasets as tfds

  infos = [
    tfds.core.SplitInfo(
      name=split,
      shard_lengths=[entry.count for entry in shards],
      num_bytes=sum(entry.size_bytes for entry in shards),
      filename_template=tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name="deblock", split=split, filetype_suffix="tfrecord"
      ),
    )
    for split, shards in splits.items()
  ]
  tfds.folder_dataset.write_metadata(
    data_dir=folder,
    features=schema.tfds_features(clean_encoding),
    split_infos=infos,
    version=f"{schema.VERSION}.0.0",
    check_data=False,
    description="Clean image tiles and their JPEG streams.",
  )

"""deblock-records: cuts images into tiles, compresses them, and writes sharded TFRecords.

deblock-records --images=FOLDER --records=DIR --qualities=10,20,30,40
"""

import collections

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.records import config, writer

config_flags.define(config.RecordsConfig)


def summary(manifest) -> str:
  """Returns what a folder of records holds, as text for a terminal."""
  images = collections.Counter(image.split for image in manifest.images)
  lines = [f"{'split':<8} {'images':>6} {'shards':>6} {'tiles':>8} {'MiB':>8}"]
  for split, shards in manifest.splits.items():
    size_mib = sum(shard.size_bytes for shard in shards) / 1024**2
    tiles = manifest.count(split)
    lines.append(f"{split:<8} {images[split]:>6} {len(shards):>6} {tiles:>8} {size_mib:>8.1f}")
  lines += [f"skipped {skipped.path}: {skipped.reason}" for skipped in manifest.skipped]
  return "\n".join(lines)


def main(arguments):
  """Writes the records that the flags ask for."""
  del arguments
  settings = config_flags.parse(config.RecordsConfig)
  with program.progress_bar("writing records", "shard") as bar:

    def show(done, every):
      bar.total = every
      bar.update(done - bar.n)

    manifest = writer.write(settings, on_progress=show)
  print(f"{summary(manifest)}\nrecords: {settings.records}")


def run():
  """Entry point of the console script."""
  program.run(main)


if __name__ == "__main__":
  run()

"""deblock-records: cuts images into tiles, compresses them, and writes sharded TFRecords.

deblock-records --images=FOLDER --records=DIR --qualities=10,20,30,40
deblock-records --inspect=DIR
deblock-records --images=gs://… --records=gs://… -- --runner=FlinkRunner …

Options after a lone -- go to Apache Beam.
"""

import collections
import dataclasses
import posixpath
import re
import time

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.records import console, harmless, option, progress_bar, quiet
from deblock.records.planning import config

CONTACT_SHEET = "contact-sheet.png"

_SHEET_TILES = 8
_NAMED_IMAGES = 3
_NUMBER = re.compile(r"\d+")
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class ProgramConfig:
  """The options that do not describe the records themselves."""

  inspect: str = option.field("", "Folder of records to inspect instead: table, checks, picture.")
  beam_options: tuple[str, ...] = option.field(
    (), "Options of Beam, such as --runner=…; or give them after --."
  )


def summary(made) -> str:
  """Returns a table of the splits, one of what was skipped, and a line for each image moved."""
  import tabulate

  images = collections.Counter(image.split for image in made.images)
  rows = []
  for split, shards in made.splits.items():
    size_mib = sum(shard.size_bytes for shard in shards) / _MIB
    rows.append((split, images[split], len(shards), made.count(split), f"{size_mib:.1f}"))
  header = ("split", "images", "shards", "tiles", "MiB")
  align = ("left", *4 * ("right",))
  lines = [tabulate.tabulate(rows, header, "plain", colalign=align, disable_numparse=True)]
  lines += _skipped(made.skipped)
  jpegs = [image.path for image in made.images if image.format == "JPEG"]
  if jpegs and made.settings.get("jpeg_downscale", 1) == 1:
    count = "1 image is a JPEG" if len(jpegs) == 1 else f"{len(jpegs)} images are JPEGs"
    lines.append(
      f"{count}, whose artifacts count as clean; --jpeg_downscale=2 reduces them: {_named(jpegs)}"
    )
  splits = {image.id: image.split for image in made.images}
  lines += [f"left out {copy.id}: {_resemblance(copy, splits)}" for copy in made.copies]
  for near in made.near:
    goal = "val" if splits.get(near.id) == "val" else "training"
    lines.append(
      f"moved {near.id} to {goal}: nearly the same as {near.of} ({near.distance} of 64 bits differ)"
    )
  return "\n".join([lines[0], *map(harmless.printable, lines[1:])])


def _resemblance(copy, splits) -> str:
  """Returns why an image was left out."""
  if copy.distance < 0:
    return f"the same pixels as {copy.of}"
  where = f"{copy.of} in {splits[copy.of]}" if copy.of in splits else copy.of
  return f"nearly the same as {where} ({copy.distance} of 64 bits differ)"


def _skipped(skipped) -> list[str]:
  """Returns the lines of a table of skipped images by reason; sizes in reasons may differ."""
  import tabulate

  by_reason: dict[str, list] = {}
  for item in skipped:
    by_reason.setdefault(_NUMBER.sub("…", item.reason), []).append(item)
  rows = [
    (
      len(items),
      harmless.printable(_common(items)),
      harmless.printable(_named([i.path for i in items])),
    )
    for items in sorted(by_reason.values(), key=len, reverse=True)
  ]
  if not rows:
    return []
  header = ("skipped", "reason", "images")
  align = ("right", "left", "left")
  table = tabulate.tabulate(rows, header, "plain", colalign=align, disable_numparse=True)
  return [line.rstrip() for line in table.split("\n")]


def _common(items) -> str:
  """Returns the reason of images that were skipped for the same one, without differing numbers."""
  numbers = zip(*(_NUMBER.findall(item.reason) for item in items), strict=True)
  kept = iter([found[0] if len(set(found)) == 1 else "…" for found in numbers])
  return _NUMBER.sub(lambda _: next(kept), items[0].reason)


def held_out_notes(made) -> list[str]:
  """Returns what is to say of records without a tile to evaluate on."""
  if any(made.count(split) for split in ("val", "test") if split in made.splits):
    return []
  return [
    "no tile is held out: a training on these records evaluates nothing while it trains, unless it "
    "has --sampling=pairs. --test_share=0.2 holds out a fifth of the images."
  ]


def _named(paths) -> str:
  """Returns the first few paths, and how many more there are."""
  more = len(paths) - _NAMED_IMAGES
  return ", ".join(paths[:_NAMED_IMAGES]) + (f" and {more} more" if more > 0 else "")


def main(arguments):
  """Writes the records that the flags describe, or inspects those of --inspect."""
  asked = config_flags.parse(ProgramConfig)
  if asked.inspect:
    program.start_tensorflow(gpus=False)
    return inspect(asked.inspect)
  settings = config_flags.parse(config.RecordsConfig)
  # Reading a TFDS data set runs TensorFlow, which would take memory of every GPU.
  program.start_tensorflow(gpus=False)
  made = _write(settings, (*asked.beam_options, *arguments[1:]))
  console.say(*summary(made).split("\n"), *held_out_notes(made), f"records: {settings.records}")
  return 0


def _write(settings, beam_options):
  options = None
  if beam_options:
    with quiet.everything():
      from apache_beam.options import pipeline_options

    options = pipeline_options.PipelineOptions(list(beam_options))
  began = time.monotonic()
  with progress_bar.bar("writing records", "shard") as bar:

    def show(progress):
      bar.total = progress.all_shards
      size_mib = progress.size_bytes / _MIB
      rate = size_mib / max(time.monotonic() - began, 1e-9)
      bar.set_postfix_str(f"{progress.tiles} tiles, {size_mib:.0f} MiB, {rate:.1f} MiB/s", False)
      bar.update(progress.shards - bar.n)

    from deblock.records.writing import writer

    return writer.write(settings, on_progress=show, pipeline_options=options)


def inspect(folder: str) -> int:
  """Prints the table of a folder and each damaged shard, and draws a sheet of its tiles.

  Returns:
    The exit status: 1 if a shard is damaged, else 0.
  Raises:
    FileNotFoundError: if the folder holds no finished records.
    ValueError: if its manifest cannot be read, or a shard is missing or of another size.
  """
  from deblock.launch.pictures import sheets
  from deblock.records.jpeg import codec
  from deblock.records.layout import inspection, manifest, own_files

  made = manifest.load(folder)
  console.say(*summary(made).split("\n"))
  found = []
  shards = sum(map(len, made.splits.values()))
  with progress_bar.bar("checking", "shard", shards) as bar:
    for problem in inspection.problems(made, on_shard=lambda name: bar.update()):
      found.append(problem)
  for problem in found:
    console.say(f"damaged: {problem}")
  if not found:
    tiles = list(inspection.sample(made, _SHEET_TILES))
    if tiles:
      path = posixpath.join(folder, CONTACT_SHEET)
      own_files.write_bytes(path, codec.encode_png(sheets.tiles(tiles)))
      console.say(f"contact sheet: {path}")
    console.say(f"{shards} shards are whole: every checksum and count is as {manifest.NAME} says")
  return 1 if found else 0


def run():
  """Entry point of the console script."""
  program.run(main, config.RecordsConfig, ProgramConfig, takes_arguments=True)


if __name__ == "__main__":
  run()

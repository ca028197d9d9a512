"""Trains the Kodak network and ours for the same minutes on the same pairs, and compares them.

make bench PART=networks-kodak IMAGES=FOLDER MINUTES=5

Records hold the whole images at quality 25. Every 8x8 block with its neighbours is a pair, and the
first fifth of the pairs, in the order of the images' names, is for testing (pipeline/pairs.py).
Both networks are measured on the images whose pairs are all held out, by the usual protocol.
"""

import argparse
import json
import pathlib
import subprocess
import sys

RECIPE = pathlib.Path(__file__).parents[2] / "launch" / "recipes" / "kodak.flags"
OURS = ("--model=blockcnn", "--width=16", "--sampling=pairs", "--max_steps=1000000")


def program(name, *flags):
  """Runs one of the project's programs and raises if it fails."""
  subprocess.run([sys.executable, "-m", f"deblock.launch.{name}", *flags], check=True)


def trained(logdir, records, minutes, flags):
  """Trains for some minutes and returns the mean row of the evaluation and the steps taken."""
  program("train", *flags, f"--records={records}", f"--logdir={logdir}", f"--max_minutes={minutes}",
          "--evaluate_every_steps=0")  # fmt: skip
  return evaluated(logdir, records)


def evaluated(logdir, records):
  """Returns the mean row of a run's evaluation on the held-out images."""
  output = logdir / "evaluation"
  program("evaluate", f"--logdir={logdir}", f"--records={records}", f"--output={output}")
  return json.loads((output / "evaluation.json").read_text())[-1]


def main():
  """Prints a line for each network."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--images", default="", help="the Kodak images; downloaded if not given")
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("--minutes", type=float, default=5.0)
  parser.add_argument(
    "--full", type=pathlib.Path, help="logdir of a run of the recipe's ten epochs, to measure too"
  )
  arguments = parser.parse_args()
  records = arguments.workdir / "records"
  source = f"--images={arguments.images}" if arguments.images else "--source=kodak"
  program("build_records", source, f"--records={records}", "--qualities=25", "--tile_size=0",
          "--test_share=0")  # fmt: skip
  runs = {
    "blockcnn_kodak": (f"--flagfile={RECIPE}",),
    "blockcnn, width 16": OURS,
  }
  rows = {
    f"{name}, {arguments.minutes:g} minutes": trained(
      arguments.workdir / name.split(",")[0], records, arguments.minutes, flags
    )
    for name, flags in runs.items()
  }
  if arguments.full:
    rows["blockcnn_kodak, ten epochs"] = evaluated(arguments.full, records)
  for name, row in rows.items():
    print(
      f"{name:<32} PSNR {row['psnr']:.3f} dB ({row['psnr'] - row['psnr_jpeg']:+.3f} over JPEG), "
      f"SSIM {row['ssim']:.4f} ({row['ssim'] - row['ssim_jpeg']:+.4f})"
    )


if __name__ == "__main__":
  main()

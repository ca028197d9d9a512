"""deblock-pipeline: shows, times and checks what the input pipeline makes of records.

deblock-pipeline --records=DIR --benchmark --crop_size=96 --degradation=online
deblock-pipeline --records=DIR --show=crops.png
deblock-pipeline --records=DIR --check
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.pipeline_report import settings as settings_lib
from deblock.pipeline import config as input_config
from deblock.records import console


def main(arguments):
  """Does what the flags ask for; returns 1 if --check finds a bad record, else 0."""
  del arguments
  config = config_flags.parse(input_config.InputConfig)
  report = config_flags.parse(settings_lib.ReportConfig)
  if not config.records:
    raise ValueError("records must name a folder: use --records=DIR.")
  program.start_tensorflow(gpus=False)
  from deblock.launch.pipeline_report import report as pipeline_report
  from deblock.records.layout import manifest as manifest_lib

  lenient = report.check or config.on_bad_record == "skip"
  manifest = manifest_lib.load(config.records, damaged=lenient)
  status = 0
  if report.check:
    found = list(pipeline_report.check(config, manifest))
    for problem in found:
      console.say(f"bad: {problem}")
    total = sum(manifest.count(split) for split in manifest.splits)
    console.say(f"{pipeline_report.count(found)} of {total} records are bad.")
    status = int(bool(found))
  if report.show:
    pipeline_report.show(config, manifest, report)
    console.say(f"crops: {report.show}")
  if report.benchmark:
    console.say(*pipeline_report.benchmark(config, manifest, report).split("\n"))
  return status


def run():
  """Entry point of the console script."""
  program.run(main, input_config.InputConfig, settings_lib.ReportConfig)


if __name__ == "__main__":
  run()

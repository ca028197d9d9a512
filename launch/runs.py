"""deblock-runs: prints a table of the runs below a folder, the best first.

deblock-runs DIR
deblock-runs RUN --text

Shows each run's state and step, the settings that differ between the runs, and the best gain over
the JPEG on held-out tiles during training: the mean, and the gain at each quality at that step.
"""

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.run_folder import run_summary, run_table
from deblock.records import console


def main(arguments):
  """Prints the table of the named folder."""
  config = config_flags.parse(run_table.RunsConfig)
  if len(arguments) != 2:
    raise ValueError(f"name one folder of runs, deblock-runs DIR, got {len(arguments) - 1}.")
  runs = run_table.find(arguments[1])
  if config.text:
    console.say(*"\n".join(run_summary.text(arguments[1], run) for run in runs).split("\n"))
  else:
    console.say(*run_table.table(runs, config.format).split("\n"))


def run():
  """Entry point of the console script."""
  program.run(main, run_table.RunsConfig, takes_names=True)


if __name__ == "__main__":
  run()

from deblock.launch.run_folder import history, run_summary, run_table


def test_a_curve_goes_from_its_lowest_to_its_highest_bar():
  assert run_summary.curve([1.0, 2.0, 8.0]) == "▁▂█"
  assert run_summary.curve([3.0, 3.0]) == "▁▁"
  long = run_summary.curve([float(index) for index in range(1000)])
  assert len(long) == 40 and long[0] == "▁" and long[-1] == "█"


def test_a_run_is_told_in_a_few_lines(tmp_path):
  written = history.History(str(tmp_path / "a"))
  for step, loss in ((10, 0.5), (20, 0.25)):
    written.append(history.Entry(step, "", {"train/loss": loss, "train/crops_per_second": 64.0}))
  gains = {"eval/gain_db/mean": 0.5, "eval/gain_db/q10": 0.75, "eval/gain_db/q20": 0.25}
  written.append(history.Entry(20, "", gains))
  written.close()
  best = run_table.HighestGain(0.5, 20, "", {"q10": 0.75, "q20": 0.25})
  run = run_table.Run("a", "stopped", 20, 800, 2.0, {}, best, "by a signal")
  assert run_summary.text(str(tmp_path), run).splitlines() == [
    "a: stopped, step 20 of 800, 2.0 minutes",
    "  by a signal",
    "  best held-out gain +0.500 dB at step 20",
    "    by quality: q10 +0.750, q20 +0.250",
    "  held-out gain, dB  ▁ 0.5 at step 20, 0.5 at step 20",
    "  train loss         █▁ 0.5 at step 10, 0.25 at step 20",
    "  crops/s            ▁▁ 64 at step 10, 64 at step 20",
  ]

"""The settings of a run, as values. No effects."""

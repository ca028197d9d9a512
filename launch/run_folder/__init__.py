"""The files of a run: settings, history, checkpoints. Nothing here trains."""

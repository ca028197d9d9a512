"""Devices, workers and how data reaches them. Nothing here knows a run."""

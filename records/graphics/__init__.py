"""Draws images of the kinds that people restore beside photographs, from seeds."""

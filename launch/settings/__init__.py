"""What a run is asked for, as values. No effects."""

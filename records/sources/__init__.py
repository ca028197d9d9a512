"""Where clean images come from, behind one interface. No tiles, no records."""

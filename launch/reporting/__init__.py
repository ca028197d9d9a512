"""Log and progress of a run while it trains. Nothing here decides anything."""

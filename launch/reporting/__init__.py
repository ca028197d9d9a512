"""What a run says while it trains."""

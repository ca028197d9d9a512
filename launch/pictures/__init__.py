"""Everything that is drawn, and the report page."""

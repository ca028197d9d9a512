"""Everything that writes to the folder of records, and all of Beam."""

"""Every effect on the folder of records, and all of Beam."""

"""Values that stand encrypted in the database, under a data key of their tenant."""

"""What was done or refused, by whom and why: rows that are only ever added."""

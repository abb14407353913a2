"""One file for each place that keeps secrets or keys."""

"""Suggested tests of a pull request: from its diff to a list of gaps, without guessing."""

"""Test reports out of CI: read in every dialect, stored by case, and what became of each case."""

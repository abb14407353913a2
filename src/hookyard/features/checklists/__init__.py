"""Acceptance criteria: read from an issue's words, shown in one comment, kept by id."""

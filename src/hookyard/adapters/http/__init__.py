"""Requests to addresses that settings or strangers name, kept away from what is inside."""

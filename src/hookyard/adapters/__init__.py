"""Pipes to the outside: a port each, and one file for each backend."""

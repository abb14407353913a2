"""Clients of a Hookyard server. Nothing in here imports anything of the server."""

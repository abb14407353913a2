"""Migrations of the schema, in order; run at start and by `hookyard migrate`."""

HEAD = "0018"

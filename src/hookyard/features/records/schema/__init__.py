"""Entities: declared, planned, made into tables, and known to every process."""

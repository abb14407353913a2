"""Hookyard: signed webhooks in, durable work, the outcome back where people look."""

__version__ = "0.1.0"

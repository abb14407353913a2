"""The secrets of the settings, for the log's redactor."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from hookyard.kit.secret import Secret
from hookyard.settings import Settings


def secrets_of(settings: Settings) -> list[str]:
    """Every secret the settings hold."""
    return [secret.reveal() for secret in _within(settings)]


def _within(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _within(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _within(getattr(value, field.name))

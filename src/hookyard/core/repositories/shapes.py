"""Shapes a configuration file may have: one description that both checks and publishes.

Each shape checks a located value, answering plain data or raising `Misshapen` with the line, and
gives its own JSON Schema, so the published schema cannot drift from what is accepted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hookyard.core.repositories.yamltree import Located
from hookyard.kit.json import Json, JsonObject

_MANY = 200


class Misshapen(Exception):
    """A value is not what its key wants."""

    def __init__(self, line: int, key: str, reason: str) -> None:
        self.line = line
        self.reason = f"{key or 'the file'} {reason}"
        super().__init__(self.reason)


class Shape(Protocol):
    """What a value must look like. `key` is the dotted name it is spoken of by."""

    def check(self, found: Located, key: str) -> Json:
        """The value as plain data; Misshapen when it does not fit."""
        ...

    def schema(self) -> JsonObject:
        """The same as JSON Schema."""
        ...


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""

    about: str

    def check(self, found: Located, key: str) -> Json:
        if not isinstance(found.value, bool):
            raise Misshapen(found.line, key, "must be true or false")
        return found.value

    def schema(self) -> JsonObject:
        return {"type": "boolean", "description": self.about}


@dataclass(frozen=True, slots=True)
class Version:
    """The number of the format: 1."""

    about: str

    def check(self, found: Located, key: str) -> Json:
        if found.value != 1 or isinstance(found.value, bool | float):
            raise Misshapen(found.line, key, "must be 1")
        return 1

    def schema(self) -> JsonObject:
        return {"const": 1, "description": self.about}


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number between two bounds, both included."""

    about: str
    least: int
    most: int

    def check(self, found: Located, key: str) -> Json:
        value = found.value
        if type(value) is int and self.least <= value <= self.most:
            return value
        said = f"must be a whole number from {self.least:,} to {self.most:,}"
        raise Misshapen(found.line, key, said)

    def schema(self) -> JsonObject:
        return {
            "type": "integer",
            "minimum": self.least,
            "maximum": self.most,
            "description": self.about,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    about: str
    words: tuple[str, ...]

    def check(self, found: Located, key: str) -> Json:
        if not isinstance(found.value, str) or found.value not in self.words:
            raise Misshapen(found.line, key, f"must be one of {', '.join(self.words)}")
        return found.value

    def schema(self) -> JsonObject:
        return {"enum": list(self.words), "description": self.about}


@dataclass(frozen=True, slots=True)
class Words:
    """A list of words of one pattern; a single word stands for a list of one."""

    about: str
    pattern: str
    meaning: str

    def check(self, found: Located, key: str) -> Json:
        items = found.value if isinstance(found.value, list) else [found]
        if len(items) > _MANY:
            raise Misshapen(found.line, key, f"must have at most {_MANY} entries")
        words: list[str] = []
        for item in items:
            word = item.value
            if not isinstance(word, str) or not re.fullmatch(self.pattern, word):
                raise Misshapen(item.line, key, f"must be a list of {self.meaning}")
            words.append(word)
        return words

    def schema(self) -> JsonObject:
        word: JsonObject = {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        many: JsonObject = {"type": "array", "maxItems": _MANY, "items": word}
        return {"anyOf": [many, word], "description": self.about}


@dataclass(frozen=True, slots=True)
class Named:
    """An object whose keys are chosen by the user, each with a value of one shape."""

    about: str
    pattern: str
    meaning: str
    each: Shape

    def check(self, found: Located, key: str) -> Json:
        entries = entries_of(found, key)
        if len(entries) > _MANY:
            raise Misshapen(found.line, key, f"must have at most {_MANY} entries")
        checked: dict[str, Json] = {}
        for name, (line, value) in entries.items():
            if not re.fullmatch(self.pattern, name):
                raise Misshapen(line, key, f"has a key that is not {self.meaning}: {name[:60]!r}")
            checked[name] = self.each.check(value, f"{key}.{name}")
        return checked

    def schema(self) -> JsonObject:
        return {
            "type": "object",
            "description": self.about,
            "maxProperties": _MANY,
            "propertyNames": {"pattern": f"^(?:{self.pattern})$"},
            "additionalProperties": self.each.schema(),
        }


@dataclass(frozen=True, slots=True)
class Keys:
    """An object of known keys, all optional."""

    about: str
    keys: Mapping[str, Shape]

    def check(self, found: Located, key: str) -> Json:
        checked: dict[str, Json] = {}
        for name, (line, value) in entries_of(found, key).items():
            shape = self.keys.get(name)
            if shape is None:
                known = ", ".join(self.keys)
                raise Misshapen(line, key, f"has an unknown key {name[:60]!r}; known: {known}")
            checked[name] = shape.check(value, f"{key}.{name}" if key else name)
        return checked

    def schema(self) -> JsonObject:
        return {
            "type": "object",
            "description": self.about,
            "additionalProperties": False,
            "properties": {name: shape.schema() for name, shape in self.keys.items()},
        }


def entries_of(found: Located, key: str) -> Mapping[str, tuple[int, Located]]:
    """The entries of an object; Misshapen for anything else."""
    if not isinstance(found.value, dict):
        raise Misshapen(found.line, key, "must be a mapping of keys to values")
    return found.value

"""A hardened reader of small YAML files: plain values with line numbers, and nothing else.

Refused, with the line: files over 64 KiB, aliases, tags, duplicate keys, merge keys, keys that
are not text, several documents, depth over 16. Dates stay text and only `true` and `false` are
booleans, so that a user called `no` keeps the name.

# why: PyYAML keeps aliases as references, so a bomb loads cheaply and explodes in the next walk;
# a file is small and written by people, so nothing is lost by refusing aliases.
"""

import re
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_VALUES = 5_000

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Located:
    """A value and the line it starts on, counted from 1. Objects keep their keys' lines."""

    line: int
    value: "Scalar | list[Located] | dict[str, tuple[int, Located]]"


class Unreadable(Exception):
    """The text is not YAML that is accepted here."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}")


class _Loader(yaml.SafeLoader):
    """The safe loader with its own, shorter idea of what plain text means."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  the base class declares it so


_PLAIN = (
    ("null", re.compile(r"~|null|Null|NULL|"), "~nN\0"),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("int", re.compile(r"[-+]?[0-9]{1,18}"), "-+0123456789"),
    ("float", re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}"), "-+0123456789"),
)
for _name, _pattern, _starts in _PLAIN:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}",
        re.compile(rf"(?:{_pattern.pattern})$"),
        ["" if start == "\0" else start for start in _starts],
    )


def read_yaml(raw: bytes) -> Located:
    """The one document in the bytes; Unreadable with line and reason otherwise."""
    if len(raw) > MAX_BYTES:
        raise Unreadable(1, f"larger than {MAX_BYTES // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(raw.count(b"\n", 0, error.start) + 1, "not UTF-8 text") from None
    try:
        _check_shape(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, max(error.position, 0)) + 1
        raise Unreadable(line, "a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(_line(mark), error.problem or "not YAML") from None
    return Located(1, None) if node is None else _located(node)


def _check_shape(text: str) -> None:
    """Stops at the first event that would cost more than it is worth, before any tree is built."""
    depth = values = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable(line, "aliases are not accepted")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH:
            raise Unreadable(line, f"nested deeper than {MAX_DEPTH}")
        if values > MAX_VALUES:
            raise Unreadable(line, f"more than {MAX_VALUES} values")


def _located(node: yaml.Node) -> Located:
    line = _line(node.start_mark)
    if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
        return Located(line, _object(node))
    if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
        return Located(line, [_located(item) for item in node.value])
    if isinstance(node, yaml.ScalarNode):
        return Located(line, _scalar(node, line))
    raise Unreadable(line, "tags are not accepted")


def _object(node: yaml.MappingNode) -> dict[str, tuple[int, Located]]:
    found: dict[str, tuple[int, Located]] = {}
    for key_node, value_node in node.value:
        line = _line(key_node.start_mark)
        key = _located(key_node).value
        if not isinstance(key, str):
            raise Unreadable(line, "a key that is not text")
        if key in found:
            raise Unreadable(line, f"the key {key[:60]!r} is there twice")
        found[key] = (line, _located(value_node))
    return found


def _scalar(node: yaml.ScalarNode, line: int) -> Scalar:
    text = str(node.value)
    match node.tag.removeprefix("tag:yaml.org,2002:"):
        case "str":
            return text
        case "null":
            return None
        case "bool" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "int" if _PLAIN[2][1].fullmatch(text):
            return int(text)
        case "float" if _PLAIN[3][1].fullmatch(text):
            return float(text)
    raise Unreadable(line, "tags are not accepted")


class _Mark(Protocol):
    """Where something stands, as either of the library's two parsers says it."""

    line: int


def _line(mark: _Mark | None) -> int:
    return 1 if mark is None else mark.line + 1

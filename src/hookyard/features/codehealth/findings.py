"""Reads `code_health.json`: an object with a list `findings` (or such a list alone); pure.

Field names are those people write: each of ours has several. Types are not guessed: a value of
another type than its field has is left out and said so.
"""

from collections.abc import Sequence

from hookyard.features.codehealth.model import (
    Finding,
    Format,
    Level,
    Readable,
    Reading,
    Unreadable,
)
from hookyard.features.codehealth.notes import Notes
from hookyard.features.codehealth.words import (
    LEVELS,
    MAX_MESSAGE,
    MAX_NAME,
    one_line,
    path_of,
    span_of,
    uri_path,
)
from hookyard.kit.json import Json, JsonObject, as_object, as_text, dig
from hookyard.kit.text import plain

MAX_FINDINGS = 25_000
Names = Sequence[tuple[str, ...]]

PATH: Names = (
    ("path",), ("file",), ("filename",), ("file_path",), ("filepath",), ("filePath",),
    ("location", "path"), ("location", "file"),
)  # fmt: skip
LINE: Names = (
    ("line",), ("start_line",), ("startLine",), ("line_number",), ("lineNumber",), ("lineno",),
    ("location", "line"), ("location", "start_line"), ("location", "lines", "begin"),
    ("location", "positions", "begin", "line"),
)  # fmt: skip
END: Names = (
    ("end_line",), ("endLine",), ("end_line_number",), ("location", "end_line"),
    ("location", "lines", "end"), ("location", "positions", "end", "line"),
)  # fmt: skip
RULE: Names = (
    ("rule",),
    ("rule_id",),
    ("ruleId",),
    ("code",),
    ("check",),
    ("check_name",),
    ("id",),
)
LEVEL: Names = (("level",), ("severity",))
MESSAGE: Names = (
    ("message",), ("description",), ("text",), ("msg",), ("title",), ("message", "text"),
)  # fmt: skip
TOOL: Names = (("tool",), ("linter",), ("engine",), ("engine_name",), ("source",), ("plugin",))
FINGERPRINT: Names = (("fingerprint",), ("hash",))


def read_findings(document: Json) -> Reading:
    """The findings of a decoded document."""
    entries: Json = document
    tool = ""
    if hasattr(document, "keys"):
        given = as_object(document)
        if "findings" not in given:
            return Unreadable("no_findings", "the document has no list `findings`")
        entries = given["findings"]
        tool = one_line(as_text(given.get("tool")), MAX_NAME)
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return Unreadable("no_findings", "`findings` is not a list")
    if len(entries) > MAX_FINDINGS:
        return Unreadable(
            "too_many_findings", f"{len(entries):,} findings; at most {MAX_FINDINGS:,} are read"
        )
    notes = Notes()
    read = [_finding(entry, tool, notes) for entry in entries]
    return Readable(Format.FINDINGS, tuple(one for one in read if one is not None), notes.all())


def _finding(entry: Json, tool: str, notes: Notes) -> Finding | None:
    if not hasattr(entry, "keys"):
        notes.add("entry_not_object", entry, lost=True)
        return None
    given = as_object(entry)
    message = _text(given, MESSAGE, "message", notes)
    rule = _text(given, RULE, "rule", notes)
    if not message.strip() and not rule.strip():
        notes.add("entry_says_nothing", lost=True)
        return None
    start, end = _first(given, LINE), _first(given, END)
    line, end_line, usable = span_of(start, end)
    if not usable:
        notes.add("line_not_usable", start if line is None else end)
    return Finding(
        tool=one_line(_text(given, TOOL, "tool", notes), MAX_NAME) or tool or "unnamed",
        rule=one_line(rule, MAX_NAME),
        path=_path(given, notes),
        line=line,
        end_line=end_line,
        level=_level(given, notes),
        message=plain(message, MAX_MESSAGE) or one_line(rule, MAX_NAME),
        fingerprint=one_line(_text(given, FINGERPRINT, "fingerprint", notes), MAX_NAME),
    )


def _path(given: JsonObject, notes: Notes) -> str:
    text = _text(given, PATH, "path", notes)
    if not text:
        return ""
    decoded = uri_path(text) if text.startswith("file:") else text
    path = None if decoded is None else path_of(decoded)
    if path is None:
        notes.add("path_not_usable", text)
    return path or ""


def _level(given: JsonObject, notes: Notes) -> Level:
    text = _text(given, LEVEL, "level", notes)
    if not text:
        return Level.WARNING
    found = LEVELS.get(text.strip().lower())
    if found is None:
        notes.add("level_not_known", text)
    # why: a word we do not know may mean the worst; a warning neither hides nor inflates it.
    return found or Level.WARNING


def _text(given: JsonObject, names: Names, field: str, notes: Notes) -> str:
    """The first of these fields that is a text; one of another type is noted."""
    odd: Json = None
    for path in names:
        value = dig(given, *path)
        if isinstance(value, str):
            return value
        if value is not None and not hasattr(value, "keys"):
            odd = value
    if odd is not None:
        notes.add(f"{field}_not_text", odd)
    return ""


def _first(given: JsonObject, names: Names) -> Json:
    for path in names:
        value = dig(given, *path)
        if value is not None and not hasattr(value, "keys"):
            return value
    return None

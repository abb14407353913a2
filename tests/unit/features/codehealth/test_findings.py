"""Reports of seed findings: what people write, and what strangers write."""

import json
import time

import pytest

from hookyard.features.codehealth.model import Format, Level, Readable, Unreadable
from hookyard.features.codehealth.read import MAX_BYTES, read_report
from hookyard.kit.json import Json


def read(document: Json) -> Readable:
    found = read_report(json.dumps(document).encode())
    assert isinstance(found, Readable), found
    return found


def refused(raw: bytes) -> str:
    found = read_report(raw)
    assert isinstance(found, Unreadable), found
    assert found.reason
    return found.code


def test_a_plain_finding_is_read() -> None:
    (one,) = read(
        {
            "findings": [
                {
                    "tool": "ruff",
                    "rule": "E501",
                    "path": "./src/a.py",
                    "line": 3,
                    "severity": "warning",
                    "message": "Line too long",
                }
            ]
        }
    ).findings
    assert (one.tool, one.rule, one.path) == ("ruff", "E501", "src/a.py")
    assert (one.line, one.end_line, one.level) == (3, 3, Level.WARNING)
    assert one.message == "Line too long"


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "a.py", "startLine": 2, "endLine": 4, "ruleId": "R", "msg": "m", "linter": "t"},
        {"filename": "a.py", "line_number": 2, "end_line": 4, "code": "R", "text": "m",
         "source": "t"},
        {"location": {"path": "a.py", "lines": {"begin": 2, "end": 4}}, "check_name": "R",
         "description": "m", "engine_name": "t", "severity": "major"},
        {"path": "/home/runner/work/shop/shop/a.py", "line": 2.0, "end_line": 4, "rule": "R",
         "message": {"text": "m"}, "tool": "t"},
        {"path": "file:///github/workspace/a.py", "lineno": 2, "endLine": 4, "check": "R",
         "title": "m", "plugin": "t"},
        {"path": "src\\..\\a.py", "line": 2, "endLine": 4, "rule_id": "R", "message": "m",
         "engine": "t"},
    ],
    ids=["camel", "snake", "code climate", "runner", "file", "backslashes"],
)  # fmt: skip
def test_fields_have_the_names_people_write(entry: Json) -> None:
    (one,) = read({"findings": [entry]}).findings
    assert (one.tool, one.rule, one.path, one.message) == ("t", "R", "a.py", "m")
    assert (one.line, one.end_line, one.level) == (2, 4, Level.WARNING)


def test_a_list_alone_and_a_tool_for_all_are_taken() -> None:
    assert len(read([{"message": "m"}]).findings) == 1
    (one,) = read({"tool": "eslint", "findings": [{"message": "m"}]}).findings
    assert (one.tool, one.path, one.line) == ("eslint", "", None)
    assert read({"findings": []}).format is Format.FINDINGS


@pytest.mark.parametrize(
    ("word", "level"),
    [("BLOCKER", Level.ERROR), ("high", Level.ERROR), ("info", Level.NOTE), ("minor", Level.NOTE),
     ("medium", Level.WARNING), ("spicy", Level.WARNING)],
)  # fmt: skip
def test_levels_have_many_words(word: str, level: Level) -> None:
    found = read({"findings": [{"message": "m", "severity": word}]})
    assert found.findings[0].level is level
    assert [note.code for note in found.notes] == (["level_not_known"] if word == "spicy" else [])


@pytest.mark.parametrize("line", [-1, 0, 10**9, "12", True, 1.5, [3]])
def test_lines_that_are_none_are_left_out_and_said_so(line: Json) -> None:
    found = read({"findings": [{"message": "m", "path": "a.py", "line": line}]})
    assert found.findings[0].line is None
    assert [(note.code, note.lost) for note in found.notes] == [("line_not_usable", False)]
    assert found.lost == 0


@pytest.mark.parametrize(
    "path", ["../../etc/passwd", "/etc/passwd", "C:\\x.py", "a\x00b", "x" * 5_000]
)
def test_paths_outside_the_repository_are_left_out_and_said_so(path: str) -> None:
    found = read({"findings": [{"message": "m", "path": path}]})
    assert found.findings[0].path == ""
    assert [note.code for note in found.notes] == ["path_not_usable"]


def test_entries_that_cannot_be_read_are_counted_as_lost() -> None:
    found = read({"findings": [7, "x", None, {}, {"path": "a.py"}, {"message": 3, "rule": None}]})
    assert found.findings == ()
    assert found.lost == 6
    assert {note.code for note in found.notes} == {
        "entry_not_object", "entry_says_nothing", "message_not_text",
    }  # fmt: skip


def test_what_is_hidden_in_texts_goes_and_long_ones_are_cut() -> None:
    (one,) = read(
        {"findings": [{"message": "a\u202eb\x00c" + "<script>" + "y" * 9_000, "rule": "r\nx"}]}
    ).findings
    assert one.message.startswith("abc<script>yyy")
    assert len(one.message) == 2_000
    assert one.rule == "r x"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "not_json"),
        (b"\xff\xfe{\x00}\x00", "not_json"),
        (b'{"findings": [{"message": "m", "line": NaN}]}', "not_json"),
        (b'{"findings": [{"message": "m", "line": 1e999}]}', "not_json"),
        (b"[" * 200_000, "too_deep"),
        (b'{"a":' * 200_000, "too_deep"),
        (b"3", "no_findings"),
        (b'"findings"', "no_findings"),
        (b"{}", "no_findings"),
        (b'{"findings": {}}', "no_findings"),
        (b'{"findings": null}', "no_findings"),
        (b'{"findings": "none"}', "no_findings"),
        (b"<html>", "not_json"),
    ],
    ids=lambda value: value[:24] if isinstance(value, bytes) else value,
)
def test_what_is_no_report_says_why(raw: bytes, code: str) -> None:
    assert refused(raw) == code


def test_size_is_bounded() -> None:
    assert refused(b'"' + b"x" * MAX_BYTES + b'"') == "too_large"
    many = b'{"findings": [' + b",".join([b"{}"] * 25_001) + b"]}"
    assert refused(many) == "too_many_findings"


def test_one_huge_text_costs_little() -> None:
    text = ("a/" * 5_000_000)[:10_000_000]
    entry = {"message": text, "path": text, "rule": text, "tool": text, "fingerprint": text}
    raw = json.dumps({"findings": [{**entry, "path": "file:" + text[:9_000_000]}][:1]}).encode()
    began = time.process_time()
    found = read_report(raw if len(raw) <= MAX_BYTES else raw[:100])
    assert time.process_time() - began < 5
    assert isinstance(found, Readable | Unreadable)
    small = json.dumps({"findings": [{"message": "m", "path": text}]}).encode()
    read_small = read_report(small)
    assert isinstance(read_small, Readable)
    assert [note.code for note in read_small.notes] == ["path_not_usable"]
    assert len(read_small.notes[0].example) <= 120

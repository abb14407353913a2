"""SARIF: what tools write, what the standard says of it, and files that prove nothing."""

import json

import pytest

from hookyard.features.codehealth.model import Finding, Format, Level, Readable, Unreadable
from hookyard.features.codehealth.read import read_report
from hookyard.features.codehealth.sarif_parts import filled
from hookyard.kit.json import Json, JsonObject


def place(uri: str, line: int | None = 3, **more: Json) -> JsonObject:
    region: JsonObject = {} if line is None else {"startLine": line}
    return {"physicalLocation": {"artifactLocation": {"uri": uri, **more}, "region": region}}


def log(*results: Json, **run: Json) -> bytes:
    driver = {
        "name": "eslint",
        "rules": [
            {"id": "no-var", "defaultConfiguration": {"level": "error"},
             "messageStrings": {"default": {"text": "Unexpected {0} in {1}."}}},
            {"id": "eqeqeq", "defaultConfiguration": {"level": "note"}},
        ],
    }  # fmt: skip
    base: JsonObject = {"tool": {"driver": driver}, "results": list(results)}
    return json.dumps({"version": "2.1.0", "runs": [{**base, **run}]}).encode()


def read(raw: bytes) -> Readable:
    found = read_report(raw)
    assert isinstance(found, Readable), found
    assert found.format is Format.SARIF
    return found


def only(raw: bytes) -> Finding:
    (one,) = read(raw).findings
    return one


def refused(raw: bytes) -> str:
    found = read_report(raw)
    assert isinstance(found, Unreadable), found
    return found.code


def test_a_result_is_a_finding() -> None:
    one = only(
        log(
            {
                "ruleId": "no-var",
                "message": {"text": "Unexpected var."},
                "locations": [place("src/a%20b.js", 3)],
                "partialFingerprints": {"primaryLocationLineHash": "39fa2ee980eb94b0:1"},
            }
        )
    )
    assert (one.tool, one.rule, one.path, one.line) == ("eslint", "no-var", "src/a b.js", 3)
    assert (one.level, one.message) == (Level.ERROR, "Unexpected var.")
    assert one.fingerprint == "39fa2ee980eb94b0:1"


@pytest.mark.parametrize(
    ("more", "level"),
    [
        ({"level": "note"}, Level.NOTE),
        ({"ruleIndex": 1}, Level.NOTE),
        ({"rule": {"index": 0}}, Level.ERROR),
        ({"ruleId": "no-var/strict"}, Level.ERROR),
        ({"ruleId": "unknown"}, Level.WARNING),
        ({"ruleIndex": 99}, Level.WARNING),
        ({"level": "none", "ruleId": "no-var"}, Level.NOTE),
    ],
)
def test_the_level_is_the_results_or_its_rules(more: JsonObject, level: Level) -> None:
    assert only(log({"message": {"text": "m"}, **more})).level is level


def test_a_message_may_be_the_rules_with_arguments() -> None:
    said = {"ruleIndex": 0, "message": {"id": "default", "arguments": ["var", "{1}"]}}
    assert only(log(said)).message == "Unexpected var in {1}."
    assert filled("{{0}} {0} {7}", ["x"]) == "{0} x {7}"


def test_rules_of_extensions_are_found() -> None:
    one = only(
        log(
            {"rule": {"index": 0, "toolComponent": {"index": 0}}, "message": {"text": "m"}},
            tool={
                "driver": {"name": "d"},
                "extensions": [{"name": "x", "rules": [{"id": "X1"}]}],
            },
        )
    )
    assert one.rule == "X1"


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (place("src/a.js"), "src/a.js"),
        (place("file:///home/runner/work/shop/shop/src/a.js"), "src/a.js"),
        (place("file:///build/src/a.js"), "src/a.js"),
        (place("file://localhost/build/src/a.js"), "src/a.js"),
        (place("src/a.js", uriBaseId="%SRCROOT%"), "src/a.js"),
        (place("a.js", uriBaseId="SRC"), "src/a.js"),
        (place("a.js", uriBaseId="LOOP"), ""),
        (place("file:///D:/elsewhere/a.js"), ""),
        (place("file://evil.example/a.js"), ""),
        (place("https://example.org/a.js"), ""),
        (place("../../a.js"), ""),
        (place("%2e%2e/%2e%2e/a.js"), ""),
        ({"physicalLocation": {"artifactLocation": {"index": 0}}}, "lib/b.js"),
        ({"physicalLocation": {"artifactLocation": {"index": 5}}}, ""),
        ({}, ""),
    ],
)
def test_places_lead_into_the_repository_or_nowhere(location: JsonObject, path: str) -> None:
    raw = log(
        {"ruleId": "no-var", "message": {"text": "m"}, "locations": [location]},
        originalUriBaseIds={
            "%SRCROOT%": {"uri": "file:///build/"},
            "SRC": {"uri": "src/", "uriBaseId": "%SRCROOT%"},
            "LOOP": {"uri": "x/", "uriBaseId": "LOOP"},
        },
        artifacts=[{"location": {"uri": "lib/b.js"}}],
    )
    assert only(raw).path == path


@pytest.mark.parametrize(
    ("suppressions", "left"),
    [
        ([{"kind": "inSource"}], 0),
        ([{"kind": "external", "status": "accepted"}], 0),
        ([{"kind": "external", "status": "underReview"}], 1),
        ([{"kind": "external", "status": "rejected"}], 1),
        ([], 1),
        ([3], 1),
    ],
)
def test_what_is_suppressed_is_left_out(suppressions: Json, left: int) -> None:
    found = read(log({"message": {"text": "m"}, "suppressions": suppressions}))
    assert (len(found.findings), found.suppressed) == (left, 1 - left)


@pytest.mark.parametrize(
    ("more", "left"),
    [
        ({"kind": "pass"}, 0),
        ({"kind": "notApplicable"}, 0),
        ({"kind": "review"}, 1),
        ({"baselineState": "unchanged"}, 1),
        ({"baselineState": "absent"}, 0),
    ],
)
def test_only_what_is_wrong_now_is_a_finding(more: JsonObject, left: int) -> None:
    assert len(read(log({"message": {"text": "m"}, **more})).findings) == left


def test_regions_that_are_none_are_left_out() -> None:
    found = read(log({"message": {"text": "m"}, "locations": [place("a.js", -4)]}))
    assert found.findings[0].line is None
    assert [note.code for note in found.notes] == ["line_not_usable"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"version": "2.0.0", "runs": []}', "sarif_version"),
        (b'{"runs": []}', "sarif_version"),
        (b'{"version": "2.1.0", "runs": []}', "sarif_no_runs"),
        (b'{"version": "2.1.0", "runs": {}}', "sarif_no_runs"),
        (b'{"version": "2.1.0", "runs": [{}]}', "sarif_no_results"),
        (b'{"version": "2.1.0", "runs": [7]}', "sarif_no_results"),
        (log(results=None), "sarif_no_results"),
        (log(invocations=[{"executionSuccessful": False}]), "sarif_tool_failed"),
        (
            json.dumps({"version": "2.1.0", "runs": [{"results": []}] * 21}).encode(),
            "sarif_too_many_runs",
        ),
        (log(*[{}] * 25_001), "too_many_findings"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_proves_nothing_is_no_report(raw: bytes, code: str) -> None:
    assert refused(raw) == code


def test_a_run_without_results_is_not_hidden_by_another() -> None:
    both = {"version": "2.1.0", "runs": [{"results": []}, {"tool": {}}]}
    assert refused(json.dumps(both).encode()) == "sarif_no_results"


def test_odd_types_everywhere_are_no_error() -> None:
    odd: list[Json] = [None, 3, "x", [], {}, [[]], {"a": 1}]
    for value in odd:
        for name in ("message", "locations", "level", "ruleId", "ruleIndex", "rule", "kind",
                     "suppressions", "partialFingerprints", "fingerprints"):  # fmt: skip
            read(log({"ruleId": "r", name: value}))
        for name in ("tool", "artifacts", "originalUriBaseIds", "invocations"):
            result = {"ruleId": "r", "message": {"text": "m"}, "locations": [place("a", 1)]}
            read(log(result, **{name: value}))

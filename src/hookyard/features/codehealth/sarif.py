"""Reads SARIF 2.1.0: results of every run, without those that are suppressed; pure.

`baselineState` is not believed, as the base is ours to choose; only `absent` results, which the
tool did not see this time, are left out.

# spec: OASIS SARIF 2.1.0, section 3.27 (result). Limits are GitHub's for uploads: 20 runs, 25,000
# results and 25,000 rules a run.
"""

from hookyard.features.codehealth.findings import MAX_FINDINGS
from hookyard.features.codehealth.model import (
    Finding,
    Format,
    Level,
    Readable,
    Reading,
    Unreadable,
)
from hookyard.features.codehealth.notes import Notes
from hookyard.features.codehealth.sarif_parts import Rule, Run, level_named
from hookyard.features.codehealth.words import (
    MAX_MESSAGE,
    MAX_NAME,
    one_line,
    span_of,
)
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text, dig
from hookyard.kit.text import plain

MAX_RUNS = 20
MAX_RULES = 25_000
VERSION = "2.1.0"
PRIMARY = "primaryLocationLineHash"
# why: these say that all is well, or only tell something; `fail`, `open` and `review` count.
_NO_FINDING = frozenset({"pass", "notApplicable", "informational"})
_STANDS = frozenset({"underReview", "rejected"})


def read_sarif(document: JsonObject) -> Reading:
    """The findings of a decoded SARIF log."""
    if as_text(document.get("version")) != VERSION:
        shown = one_line(as_text(document.get("version")) or "none", 20)
        return Unreadable("sarif_version", f"SARIF {VERSION} is read; the file says {shown}")
    runs = document.get("runs")
    if not isinstance(runs, list) or not runs:
        return Unreadable("sarif_no_runs", "the file has no runs, so nothing is known to have run")
    if len(runs) > MAX_RUNS:
        return Unreadable("sarif_too_many_runs", f"{len(runs):,} runs; at most {MAX_RUNS} are read")
    notes, findings, suppressed = Notes(), list[Finding](), 0
    for index, given in enumerate(runs):
        refused = _refused(as_object(given), index)
        if refused is not None:
            return refused
        suppressed += _read_run(as_object(given), notes, findings)
    if len(findings) > MAX_FINDINGS:
        return Unreadable(
            "too_many_findings", f"{len(findings):,} findings; at most {MAX_FINDINGS:,} are read"
        )
    return Readable(Format.SARIF, tuple(findings), notes.all(), suppressed)


def _read_run(given: JsonObject, notes: Notes, findings: list[Finding]) -> int:
    """Add the findings of a run; how many results were suppressed."""
    run, suppressed = Run(given), 0
    for result in as_list(given.get("results")):
        counted = _counts(result, notes)
        if counted is None:
            continue
        if _is_suppressed(counted):
            suppressed += 1
            continue
        finding = _finding(counted, run, notes)
        if finding is not None:
            findings.append(finding)
    return suppressed


def _refused(run: JsonObject, index: int) -> Unreadable | None:
    """Why a run proves nothing, or is too large.

    # spec: section 3.14.23: without `results` the run looked for none; 3.20.14:
    # `executionSuccessful` false is a tool that failed.
    """
    named = one_line(as_text(dig(run, "tool", "driver", "name")) or "unnamed", 60)
    which = f"run {index + 1} ({named})"
    results = run.get("results")
    if not isinstance(results, list):
        return Unreadable("sarif_no_results", f"{which} has no list of results")
    if len(results) > MAX_FINDINGS:
        return Unreadable("too_many_findings", f"{which} has {len(results):,} results")
    if len(as_list(dig(run, "tool", "driver", "rules"))) > MAX_RULES:
        return Unreadable("sarif_too_many_rules", f"{which} has over {MAX_RULES:,} rules")
    for invocation in as_list(run.get("invocations")):
        if dig(invocation, "executionSuccessful") is False:
            return Unreadable("sarif_tool_failed", f"{which} says that its tool failed")
    return None


def _counts(result: Json, notes: Notes) -> JsonObject | None:
    """The result when it is a finding."""
    if not hasattr(result, "keys"):
        notes.add("entry_not_object", result, lost=True)
        return None
    given = as_object(result)
    if as_text(given.get("kind")) in _NO_FINDING or given.get("baselineState") == "absent":
        return None
    return given


def _is_suppressed(result: JsonObject) -> bool:
    """# spec: section 3.27.23: suppressed when there is one, and none is under review or rejected;
    a status that is left out means accepted."""
    given = as_list(result.get("suppressions"))
    states = [dig(one, "status") for one in given if hasattr(one, "keys")]
    return bool(states) and not any(state in _STANDS for state in states)


def _finding(result: JsonObject, run: Run, notes: Notes) -> Finding | None:
    rule = run.rule_of(result)
    text = run.text_of(result, rule)
    if not text.strip() and not rule.id.strip():
        notes.add("entry_says_nothing", lost=True)
        return None
    path, region = run.place_of(result)
    if path is None:
        notes.add("path_not_usable", _uri(result))
    start, end = region.get("startLine"), region.get("endLine")
    line, end_line, usable = span_of(start, end)
    if not usable:
        notes.add("line_not_usable", start if line is None else end)
    return Finding(
        tool=one_line(run.tool, MAX_NAME) or "unnamed",
        rule=one_line(rule.id, MAX_NAME),
        path=path or "",
        line=line,
        end_line=end_line,
        level=_level(result, rule, notes),
        message=plain(text, MAX_MESSAGE) or one_line(rule.id, MAX_NAME),
        fingerprint=_fingerprint(result),
    )


def _level(result: JsonObject, rule: Rule, notes: Notes) -> Level:
    """# spec: section 3.27.10: the result's own, else its rule's, else warning."""
    given = result.get("level")
    text = given if isinstance(given, str) else rule.level
    if given is not None and not isinstance(given, str):
        notes.add("level_not_text", given)
    if not text:
        return Level.WARNING
    if text == "none":
        return Level.NOTE
    found = level_named(text)
    if found is None:
        notes.add("level_not_known", text)
    return found or Level.WARNING


def _fingerprint(result: JsonObject) -> str:
    """The tool's identity of a result: all it gives, GitHub's own hash alone where it is there."""
    for name in ("fingerprints", "partialFingerprints"):
        given = as_object(result.get(name))
        if isinstance(given.get(PRIMARY), str):
            return one_line(as_text(given[PRIMARY]), MAX_NAME)
        texts = sorted(
            f"{key[:80]}={value[:120]}"
            for key, value in given.items()
            if isinstance(value, str) and value
        )
        if texts:
            return one_line(" ".join(texts[:4]), MAX_NAME * 2)
    return ""


def _uri(result: JsonObject) -> Json:
    locations = as_list(result.get("locations"))
    return dig(locations[0], "physicalLocation", "artifactLocation", "uri") if locations else None

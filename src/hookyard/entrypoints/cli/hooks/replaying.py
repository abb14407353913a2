"""One sample sent again, or read offline, and compared with what it should come to."""

from collections.abc import Mapping

from hookyard.entrypoints.cli.hooks.meaning import sample_meaning
from hookyard.entrypoints.cli.hooks.samples import Sample, differences, signed
from hookyard.entrypoints.cli.hooks.sending import SHOWN, moment_now, outcome_of, post
from hookyard.entrypoints.cli.remote import Remote
from hookyard.kit.json import Json, JsonObject, as_text

ONLY_PURE = ("actor", "commands")
ONLY_SERVER = ("status", "reason")


def replay_one(
    remote: Remote,
    sample: Sample,
    secret: bytes,
    source: str,
    changes: Mapping[str, Json],
    wait_s: float,
) -> JsonObject:
    """Send a sample; how it ended and where that differs from what was expected."""
    request = signed(sample, secret, moment_now(), source=source, changes=changes)
    status, answer = post(remote, request)
    if as_text(answer.get("status") if isinstance(answer, dict) else None) == "duplicate":
        status = 202
    found = outcome_of(remote, request, sample.provider, status, answer, wait_s)
    wanted = {name: value for name, value in sample.expected.items() if name not in ONLY_PURE}
    ended = " ".join(
        str(part) for part in (status, found.get("status"), found.get("reason")) if part
    )
    return _result(sample, wanted, found, ended)


def replay_offline(sample: Sample, changes: Mapping[str, Json]) -> JsonObject:
    """Verify, parse and find commands; how that differs from what was expected."""
    found = sample_meaning(sample, moment_now(), changes)
    wanted = {name: value for name, value in sample.expected.items() if name not in ONLY_SERVER}
    ended = as_text(found.get("event")) or as_text(found.get("refused")) or "answered"
    return _result(sample, wanted, found, ended)


def _result(sample: Sample, wanted: JsonObject, found: JsonObject, ended: str) -> JsonObject:
    shown = {name: found[name] for name in ("http", "delivery_id", *SHOWN) if name in found}
    return {
        "sample": sample.name,
        "ended": ended,
        "found": shown,
        "differences": list(differences(wanted, found)),
    }

"""Decisions of recovery: which hooks, which events, how far back, and a body byte for byte."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote_plus

import msgspec

from hookyard.core.ingress.model import SourceConfig
from hookyard.core.ingress.reactions import Reaction
from hookyard.core.ingress.recovery_model import Plan, Unplanned
from hookyard.core.ingress.rules import BOOKKEEPING
from hookyard.kit.clock import from_rfc3339
from hookyard.kit.errors import Invalid
from hookyard.kit.json import JsonObject
from hookyard.kit.signing import from_hex, hmac_sha256, same

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
# why: a watermark is an instant of our clock, the record's are of the provider's; what is on its
# way when a listing ends is seen by the next one.
OVERLAP_MS = 10 * MINUTE_MS
YOUNG_MS = MINUTE_MS
# why: up to here a listing of everything is cheap; beyond it only failures are asked for.
CHEAP = 2_000
ATTEMPTS = 5
# What can carry a command, or changes who may give one.
SPEAKING: Mapping[str, frozenset[str]] = {
    "issue_comment": frozenset({"created"}),
    "issues": frozenset({"opened"}),
    "pull_request": frozenset({"opened"}),
    "pull_request_review": frozenset({"submitted"}),
    "pull_request_review_comment": frozenset({"created"}),
}
RIGHTS = frozenset({"member", "membership", "organization", "team", "team_add"})
_SINCE = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": MINUTE_MS, "h": HOUR_MS, "d": 24 * HOUR_MS}
_OWNER = re.compile(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9._-]{1,100})?")
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def plan_of(
    source: SourceConfig, reactions: Iterable[Reaction], *, has_app: bool, events: Sequence[str]
) -> Plan | Unplanned:
    """How a source is recovered. `events` is the setting; the source's own option goes first.

    Options of a GitHub source: `recover` ("app", "off", or names of repositories and
    organisations), `recover_events` ("all" or names), `recover_skip` (names). A source named
    `github` is the App's unless it says otherwise.
    """
    asked = source.options.get("recover", "app" if source.id == source.provider else "off")
    if asked == "off":
        return Unplanned(source.id, "its option `recover` does not say where from")
    if source.provider == "jira":
        return _jira_plan(source)
    if source.provider != "github":
        return Unplanned(source.id, f"{source.provider} keeps no record that can be read")
    if not has_app:
        return Unplanned(source.id, "no GitHub App is configured")
    owners = tuple(_words(asked))
    wrong = [owner for owner in owners if not _OWNER.fullmatch(owner)]
    if not owners or wrong:
        return Unplanned(source.id, f"its option `recover` has no owner {wrong[:1] or asked!r}")
    wanted = tuple(_words(source.options.get("recover_events", ""))) or tuple(events)
    skipped = frozenset(_words(source.options.get("recover_skip", "")))
    if "all" in wanted:
        return Plan(source.id, source.provider, owners, None, (), skipped)
    if wanted:
        return Plan(source.id, source.provider, owners, frozenset(wanted), (), skipped)
    every, narrow = _reacted_to(reactions)
    return Plan(source.id, source.provider, owners, every, narrow, skipped)


def _jira_plan(source: SourceConfig) -> Plan | Unplanned:
    if not source.options.get("api_url") or source.api_token is None:
        return Unplanned(source.id, "it has no `options: {api_url: …}` and `api_token_env`")
    return Plan(source.id, source.provider, ())


def _words(text: str) -> Iterator[str]:
    return (word for part in text.split(",") if (word := part.strip()))


def _reacted_to(
    reactions: Iterable[Reaction],
) -> tuple[frozenset[str], tuple[tuple[str, frozenset[str]], ...]]:
    """Events wanted with every action, and events wanted with some."""
    every = set(BOOKKEEPING | RIGHTS)
    narrow = {event: set(actions) for event, actions in SPEAKING.items()}
    for reaction in reactions:
        if reaction.provider != "github":
            continue
        if reaction.actions:
            narrow.setdefault(reaction.event, set()).update(reaction.actions)
        else:
            every.add(reaction.event)
    left = tuple((e, frozenset(a)) for e, a in sorted(narrow.items()) if e not in every)
    return frozenset(every), left


def is_wanted(plan: Plan, event: str, action: str | None) -> bool:
    """Whether a delivery is worth its body, by what the list says of it."""
    if event in plan.skipped:
        return False
    if plan.events is None or event in plan.events:
        return True
    return any(event == name and action in actions for name, actions in plan.actions)


def cutoff_ms(watermark_ms: int, now_ms: int, within_ms: int) -> int:
    """How far back a listing goes that nobody gave an instant."""
    return max(watermark_ms - OVERLAP_MS, now_ms - within_ms)


def instant_of(text: str, now_ms: int) -> int:
    """`6h`, `30m`, `3d` before now, or an RFC 3339 instant; Invalid (`bad_since`) for others."""
    match = _SINCE.fullmatch(text)
    try:
        at_ms = now_ms - int(match[1]) * _UNITS[match[2]] if match else from_rfc3339(text)
    except (ValueError, OverflowError):
        at_ms = -1
    if not 0 <= at_ms <= now_ms:
        raise Invalid(
            "since must be a time before now: 30m, 6h, 3d, or as 2026-01-31T12:00:00Z",
            code="bad_since",
        )
    return at_ms


def body_of(
    headers: Mapping[str, str], payload: JsonObject, secrets: Sequence[bytes]
) -> tuple[bytes, str, bool]:
    """The body of a recorded request, its content type, and whether it is byte for byte the one
    that was sent.

    # why: the record has the payload as JSON, not the bytes. The usual ways of writing JSON are
    # tried against the recorded signature; where none fits (an older secret, another way of
    # writing), the plain one is kept. What was sent is vouched for by GitHub's own answer.
    """
    claim = from_hex(headers.get("x-hub-signature-256", "").removeprefix("sha256="))
    is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    plain = msgspec.json.encode(payload)
    if claim is not None:
        for text in _writings(plain, payload):
            body = b"payload=" + quote_plus(text).encode() if is_form else text
            if any(secret and same(hmac_sha256(secret, body), claim) for secret in secrets):
                return body, _FORM if is_form else _JSON, True
    return plain, _JSON, False


def _writings(plain: bytes, payload: JsonObject) -> Iterator[bytes]:
    yield plain
    escaped = plain.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    if escaped != plain:
        yield escaped
    if not plain.isascii():
        yield json.dumps(payload, separators=(",", ":")).encode()


def prefix_of(dedupe_key: str, guid: str) -> str | None:
    """What stands before a delivery's GUID in its dedupe key: hook id and target id."""
    return dedupe_key.removesuffix(guid) if dedupe_key.endswith(f":{guid}") else None


def is_ours(url: str, source: SourceConfig) -> bool:
    """Whether a hook's address is the one of this source, on whatever host and below any path."""
    path = url.partition("?")[0].rstrip("/")
    own = f"/webhooks/{source.provider}"
    return path.endswith(f"{own}/{source.id}") or (
        source.id == source.provider and path.endswith(own)
    )

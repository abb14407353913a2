"""Which artifacts of a run are read, and which members of one are reports. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.kit.globs import fits

# spec: the CI contract: this artifact, with this report in it, and findings beside it.
CONTRACT_ARTIFACT = "autoqa-test-report"
CODE_HEALTH = "code_health.json"
MIB = 1024 * 1024
# What is named by the contract or the repository's file is wanted; anything else may be a build.
MAX_WANTED = 512 * MIB
MAX_OTHER = 64 * MIB
MAX_ARTIFACTS = 200
REPORT_ENDINGS = (".xml", ".trx", ".json", ".jsonl", ".ndjson", ".zip")


@dataclass(frozen=True, slots=True)
class Offered:
    """An artifact that may be read."""

    id: int
    name: str
    size: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """One that is: with how many bytes at most, and whether what is wrong with it is told."""

    id: int
    wanted: bool
    max_bytes: int


def choose(offered: Sequence[Offered], patterns: Sequence[str]) -> list[Chosen]:
    """The artifacts to read, oldest first: of each name the newest, unless it is too large.

    # why: when only failed jobs run again, artifacts of those that passed stay from the attempt
    before, and an upload of the same name takes the place of the earlier one.
    """
    newest: dict[str, Offered] = {}
    for one in sorted(offered, key=lambda one: (one.created_at_ms, one.id)):
        newest[one.name] = one
    found: list[Chosen] = []
    for one in sorted(newest.values(), key=lambda one: one.id):
        wanted = is_wanted(one.name, patterns)
        if wanted:
            found.append(Chosen(one.id, wanted, MAX_WANTED))
        elif not patterns and one.size <= MAX_OTHER:
            found.append(Chosen(one.id, wanted, MAX_OTHER))
    found.sort(key=lambda one: (not one.wanted, one.id))
    return found[:MAX_ARTIFACTS]


def is_wanted(name: str, patterns: Sequence[str]) -> bool:
    """Whether the contract or the repository's file names an artifact."""
    folded = name.lower()
    return folded == CONTRACT_ARTIFACT or any(fits(pattern.lower(), folded) for pattern in patterns)


def kind_of_other(member: str) -> str | None:
    """`code_health` or `sarif` for a member that is another room's; None for any other."""
    base = member.replace("\\", "/").rpartition("/")[2].lower()
    if base == CODE_HEALTH:
        return "code_health"
    return "sarif" if base.endswith((".sarif", ".sarif.json")) else None


def should_be_report(member: str) -> bool:
    """Whether a member of a wanted artifact that is no report is worth a word."""
    return member.lower().endswith(REPORT_ENDINGS)

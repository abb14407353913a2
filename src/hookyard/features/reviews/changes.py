"""What changed from one verdict to the next, in sentences, and whether anything did. Pure."""

import hashlib

import msgspec

from hookyard.features.reviews.model import Judgement

MAX_CHANGES = 100


def digest_of(head_sha: str, judgement: Judgement) -> str:
    """A digest of everything a judgement says."""
    raw = head_sha.encode() + b"\0" + msgspec.json.encode(judgement)
    return hashlib.sha256(raw).hexdigest()


def changes(before: Judgement | None, after: Judgement) -> tuple[str, ...]:
    """Each criterion whose verdict is another, came or went; the conclusion first."""
    if before is None:
        return ("the first verdict",)
    found: list[str] = []
    if before.conclusion != after.conclusion:
        found.append(f"{_word(before.conclusion)} → {_word(after.conclusion)}")
    old = {(one.issue, one.id): one for one in before.criteria}
    new = {(one.issue, one.id): one for one in after.criteria}
    for key in sorted(old.keys() | new.keys()):
        name = f"#{key[0]}:{key[1]}"
        was, now = old.get(key), new.get(key)
        if was is None and now is not None:
            found.append(f"{name} came: {now.verdict.value}")
        elif now is None:
            found.append(f"{name} went")
        elif was is not None and was.verdict is not now.verdict:
            found.append(f"{name}: {was.verdict.value} → {now.verdict.value}")
    said = {finding.text for finding in before.findings}
    found += [f.text for f in after.findings if f.text not in said]
    if len(found) > MAX_CHANGES:
        found = [*found[:MAX_CHANGES], f"and {len(found) - MAX_CHANGES} more"]
    return tuple(found)


def _word(conclusion: str | None) -> str:
    return conclusion or "in_progress"

"""Which call comes next to make GitHub show what is desired, and what its answer means. Pure."""

from dataclasses import dataclass, replace
from typing import TypeAlias

from hookyard.core.publishing import wire
from hookyard.core.publishing.model import (
    CheckRunEffect,
    CommentEffect,
    EffectState,
    IssueEffect,
    MessageEffect,
    ReactionEffect,
)
from hookyard.core.publishing.rows import EffectRow, Intent, IntentKind, Progress, Seen
from hookyard.kit.json import Json, JsonObject, as_int, as_text, dig

MAX_ERROR = 500


@dataclass(frozen=True, slots=True)
class Call:
    """One write: what to send, and where the effect stands once GitHub has taken it.

    `last` says that the desired state stands then.
    """

    method: str
    path: str
    body: JsonObject
    kind: IntentKind
    after: Progress
    last: bool = True


NextCall: TypeAlias = Call | None


def next_call(row: EffectRow) -> NextCall:
    """The next write, or None when GitHub already shows the desired state."""
    if row.external_id is not None and row.landed_hash == row.desired_hash:
        return None
    effect = row.effect
    match effect:
        case CommentEffect():
            body: JsonObject = {"body": wire.marked(row.key, effect.body)}
            if row.external_id is None:
                return _create(wire.comments_path(effect), body)
            return _edit(wire.comment_path(effect, row.external_id), body)
        case CheckRunEffect():
            return _check_run(row, effect)
        case ReactionEffect():
            return _create(wire.reactions_path(effect), {"content": effect.content})
        case IssueEffect():
            body = wire.issue_body(row.key, effect)
            if row.external_id is None:
                return _create(wire.issues_path(effect), {**body, "labels": effect.labels})
            return _edit(f"{wire.issues_path(effect)}/{row.external_id}", body)
        case MessageEffect():
            return None


def intend(row: EffectRow, call: Call, now_ms: int) -> EffectRow:
    """The row with the intent to make this call, to be committed before it goes out.

    An earlier intent that no look could settle keeps its instant, so that later looks reach back.
    """
    intent = Intent(
        generation=row.generation,
        at_ms=now_ms if row.intent is None else min(now_ms, row.intent.at_ms),
        kind=call.kind,
        hash=row.desired_hash,
        epoch=call.after.epoch,
        annotations=call.after.annotations,
        prefix=call.after.prefix,
        sent_at_ms=now_ms,
    )
    return replace(row, intent=intent)


def answered(row: EffectRow, sent: EffectRow, call: Call, data: Json, now_ms: int) -> EffectRow:
    """The row once GitHub answered `call`, which was planned from `sent`.

    `row` is as stored now; it may have got a newer generation meanwhile.
    """
    done = completes(sent, call, data)
    stuck = call.kind is IntentKind.EDIT and _refused_conclusion(sent, data)
    row = replace(
        row,
        intent=None,
        external_id=_external_id(row, data) or row.external_id,
        url=as_text(dig(data, "html_url")) or row.url,
        progress=replace(call.after, stuck=stuck),
        landed_hash=sent.desired_hash if done else None,
    )
    return landed(row, sent.generation, now_ms) if done else row


def names_it(row: EffectRow, data: Json) -> bool:
    """Whether an answer names the thing it speaks of, so that it can be edited later."""
    return bool(_external_id(row, data))


def completes(sent: EffectRow, call: Call, data: Json) -> bool:
    """Whether the desired state `sent` stands once GitHub answered the call with `data`."""
    return call.last and not (call.kind is IntentKind.EDIT and _refused_conclusion(sent, data))


def landed(row: EffectRow, generation: int, now_ms: int) -> EffectRow:
    """The row once GitHub shows this generation; still pending when a newer one is wanted."""
    newest = row.generation == generation
    return replace(
        row,
        state=EffectState.LANDED if newest else EffectState.PENDING,
        landed_generation=max(row.landed_generation, generation),
        landed_at_ms=now_ms,
        error=None,
    )


def gone(row: EffectRow) -> EffectRow:
    """The row once its thing has vanished from GitHub: to be made anew."""
    epoch = row.progress.epoch
    if isinstance(row.effect, CheckRunEffect):
        epoch += 1
    return replace(
        row, intent=None, external_id=None, landed_hash=None, progress=Progress(epoch=epoch)
    )


def found(row: EffectRow, seen: Seen) -> EffectRow:
    """The row once a look found our thing: what an unanswered creation made, or older work.

    It shows what the intended creation carried; what it shows otherwise is not known, so the
    next call edits it.
    """
    intent = row.intent
    matches = intent is not None and intent.epoch == seen.epoch
    standing = intent.annotations if intent is not None and matches else 0
    progress = Progress(
        epoch=seen.epoch,
        annotations=standing,
        prefix=intent.prefix if intent is not None and matches else "",
        completed=seen.completed,
        stuck=seen.annotations != standing,
    )
    shows = intent.hash if intent is not None and matches and _is_whole(row, intent) else None
    return replace(
        row,
        intent=None,
        external_id=seen.external_id,
        url=seen.url or row.url,
        progress=progress,
        landed_hash=None if progress.stuck else shows,
    )


def counted(row: EffectRow, seen: Seen) -> EffectRow:
    """The row once a look counted a check run's annotations after an edit without an answer."""
    intent, progress = row.intent, row.progress
    if intent is None:
        return row
    if seen.annotations == intent.annotations:
        progress = replace(progress, annotations=seen.annotations, prefix=intent.prefix)
    elif seen.annotations != progress.annotations:
        progress = replace(progress, stuck=True)
    progress = replace(progress, completed=seen.completed)
    return replace(row, intent=None, landed_hash=None, progress=progress)


def dead(row: EffectRow, generation: int, reason: str, *, undone: bool) -> EffectRow:
    """The row once landing this generation was given up; a newer one stays wanted.

    `undone` says that GitHub is known not to have applied the last call.
    """
    return replace(
        row,
        intent=None if undone else row.intent,
        error=reason[:MAX_ERROR],
        state=EffectState.DEAD if row.generation == generation else row.state,
    )


def must_look(row: EffectRow, *, look_on_first: bool) -> bool:
    """Whether GitHub must be asked what it shows before anything is written.

    Not for reactions, which GitHub itself makes only once, and not for edits that append nothing.
    """
    if isinstance(row.effect, ReactionEffect):
        return False
    intent = row.intent
    if intent is None:
        return look_on_first and row.external_id is None
    return intent.kind is IntentKind.CREATE or intent.annotations != row.progress.annotations


def under_way_until_ms(row: EffectRow, now_ms: int, settle_ms: int) -> int | None:
    """Until when GitHub may still apply a call whose outcome is unknown; None when it cannot.

    A look before that instant proves nothing, and a write before it could be overtaken.
    """
    if row.intent is None or isinstance(row.effect, ReactionEffect):
        return None
    until_ms = max(row.intent.sent_at_ms, row.intent.at_ms) + settle_ms
    # why: after our clock was set back, an instant further ahead than that is no guide.
    return until_ms if now_ms < until_ms <= now_ms + settle_ms else None


def needed_permission(row: EffectRow) -> str:
    """The App permission that writing this effect takes.

    # spec: docs.github.com, permissions required for GitHub Apps.
    """
    match row.effect:
        case CheckRunEffect():
            return "checks: write"
        case CommentEffect() | ReactionEffect():
            return "issues: write (pull_requests: write on pull requests)"
        case IssueEffect():
            return "issues: write"
        case MessageEffect():
            return ""


def _create(path: str, body: JsonObject) -> Call:
    return Call("POST", path, body, IntentKind.CREATE, Progress())


def _edit(path: str, body: JsonObject) -> Call:
    return Call("PATCH", path, body, IntentKind.EDIT, Progress())


def _check_run(row: EffectRow, effect: CheckRunEffect) -> Call:
    annotations, progress = wire.shown(effect), row.progress
    fresh = row.external_id is None
    if not fresh and _needs_new_run(effect, progress):
        fresh, progress = True, Progress(epoch=progress.epoch + 1)
    start = 0 if fresh else progress.annotations
    end = min(len(annotations), start + wire.PAGE)
    body = wire.run_body(effect, annotations[start:end])
    after = Progress(
        epoch=progress.epoch,
        annotations=end,
        prefix=wire.digest(annotations[:end]),
        completed=effect.conclusion is not None,
    )
    last = end == len(annotations)
    path = wire.runs_path(effect)
    if fresh:
        body = {**wire.run_start(row.key, effect, after.epoch), **body}
        return Call("POST", path, body, IntentKind.CREATE, after, last)
    return Call("PATCH", f"{path}/{row.external_id}", body, IntentKind.EDIT, after, last)


def _needs_new_run(effect: CheckRunEffect, progress: Progress) -> bool:
    """Whether editing cannot get there: GitHub neither reopens runs nor removes annotations.

    # why: a new run of the same name on the same commit takes the old one's place in every view.
    """
    if progress.stuck or (progress.completed and effect.conclusion is None):
        return True
    if not progress.annotations:
        return False
    standing = wire.shown(effect)[: progress.annotations]
    return len(standing) < progress.annotations or wire.digest(standing) != progress.prefix


def _refused_conclusion(sent: EffectRow, data: Json) -> bool:
    if not isinstance(sent.effect, CheckRunEffect) or dig(data, "conclusion") is None:
        return False
    return as_text(dig(data, "conclusion")) != sent.effect.conclusion


def _external_id(row: EffectRow, data: Json) -> str:
    field = "number" if isinstance(row.effect, IssueEffect) else "id"
    number = as_int(dig(data, field))
    return "" if number is None else str(number)


def _is_whole(row: EffectRow, intent: Intent) -> bool:
    """Whether the intended creation carried all of the desired state it was made from."""
    if not isinstance(row.effect, CheckRunEffect):
        return True
    complete = intent.annotations == len(wire.shown(row.effect))
    return complete and intent.hash == row.desired_hash

"""Effects as GitHub's REST API wants them: paths, bodies and limits.

# spec: docs.github.com REST: issue comments, check runs, reactions, issues. 50 annotations a
# request, appended by each update; titles at most 255 characters; annotation messages 64 KB; three
# actions, with 20 characters for label and identifier and 40 for the description.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from hookyard.core.publishing.fit import MAX_TEXT, characters, clip, encodable, fit, octets
from hookyard.core.publishing.keys import check_name, marker, run_external_id
from hookyard.core.publishing.model import (
    Annotation,
    CheckRunEffect,
    CommentEffect,
    IssueEffect,
    ReactionEffect,
)
from hookyard.kit.errors import Invalid
from hookyard.kit.json import Json, JsonObject

PAGE = 50
MAX_ANNOTATIONS = 500
"""Annotations shown of one check run, ten requests' worth; the summary says how many there are."""
MAX_TITLE = 255
MAX_ACTIONS = 3
MAX_LABEL = 20
MAX_DESCRIPTION = 40
LEVELS = frozenset({"notice", "warning", "failure"})
CONCLUSIONS = frozenset(
    {"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}
)


def comments_path(effect: CommentEffect) -> str:
    """Where an issue's comments are listed and made."""
    return f"/repos/{effect.repository}/issues/{effect.number}/comments"


def comment_path(effect: CommentEffect, external_id: str) -> str:
    """One comment."""
    return f"/repos/{effect.repository}/issues/comments/{external_id}"


def runs_path(effect: CheckRunEffect) -> str:
    """Where check runs are made."""
    return f"/repos/{effect.repository}/check-runs"


def reactions_path(effect: ReactionEffect) -> str:
    """Where reactions are made; GitHub answers 200 when ours already stands."""
    if effect.comment_id is None:
        return f"/repos/{effect.repository}/issues/{effect.number}/reactions"
    return f"/repos/{effect.repository}/issues/comments/{effect.comment_id}/reactions"


def issues_path(effect: IssueEffect) -> str:
    """Where a repository's issues are listed and made."""
    return f"/repos/{effect.repository}/issues"


def marked(key: str, body: str) -> str:
    """The body under its marker, cut so that both stay inside GitHub's limit."""
    head = marker(key) + "\n"
    return head + fit(encodable(body), MAX_TEXT - len(head), characters)


def issue_body(key: str, effect: IssueEffect) -> JsonObject:
    """Title and body; labels are put on when the issue is made and are people's afterwards."""
    return {
        "title": clip(encodable(effect.title), MAX_TITLE),
        "body": marked(key, effect.body),
    }


def run_start(key: str, effect: CheckRunEffect, epoch: int) -> JsonObject:
    """What only the creation of a check run carries."""
    return {
        "name": check_name(effect.concern),
        "head_sha": effect.head_sha.lower(),
        "external_id": run_external_id(key, epoch),
    }


def run_body(effect: CheckRunEffect, page: Sequence[Annotation]) -> JsonObject:
    """The check run as it should stand, with one page of annotations to append."""
    output: dict[str, Json] = {
        "title": clip(encodable(effect.title), MAX_TITLE) or check_name(effect.concern),
        "summary": _summary(effect),
    }
    if effect.text:
        output["text"] = fit(encodable(effect.text), MAX_TEXT, octets)
    if page:
        output["annotations"] = [annotation_body(item) for item in page]
    body: dict[str, Json] = {"output": output}
    if effect.conclusion is None:
        body["status"] = "in_progress"
    else:
        body["status"] = "completed"
        body["conclusion"] = effect.conclusion
        # why: an update that leaves them out keeps those the run had before.
        body["actions"] = [
            {
                "label": action.label,
                "description": action.description,
                "identifier": action.identifier,
            }
            for action in effect.actions
        ]
    if effect.details_url:
        body["details_url"] = effect.details_url
    return body


def annotation_body(item: Annotation) -> JsonObject:
    """One annotation; lines below 1 and ends before starts are put right."""
    start = max(1, item.start_line)
    body: dict[str, Json] = {
        "path": encodable(item.path).removeprefix("./"),
        "start_line": start,
        "end_line": max(start, item.end_line),
        "annotation_level": item.level,
        "message": clip(encodable(item.message) or item.title or "-", MAX_TEXT, octets),
    }
    if item.title:
        body["title"] = clip(encodable(item.title), MAX_TITLE)
    return body


def shown(effect: CheckRunEffect) -> tuple[Annotation, ...]:
    """The annotations that will be shown, in order."""
    return effect.annotations[:MAX_ANNOTATIONS]


def digest(annotations: Sequence[Annotation]) -> str:
    """A short digest of annotations in order, to know again what stands at GitHub."""
    return hashlib.sha256(msgspec.json.encode(tuple(annotations))).hexdigest()[:16]


def check_run_words(effect: CheckRunEffect) -> None:
    """Refuse words GitHub does not know, while the one who asks can still see it."""
    if effect.conclusion is not None and effect.conclusion not in CONCLUSIONS:
        raise Invalid(f"{effect.conclusion!r} is not a conclusion", code="bad_effect")
    for item in effect.annotations:
        if item.level not in LEVELS:
            raise Invalid(f"{item.level!r} is not an annotation level", code="bad_effect")
    if len(effect.actions) > MAX_ACTIONS:
        raise Invalid(f"a check run has at most {MAX_ACTIONS} actions", code="bad_effect")
    for action in effect.actions:
        for text, limit in (
            (action.label, MAX_LABEL),
            (action.identifier, MAX_LABEL),
            (action.description, MAX_DESCRIPTION),
        ):
            if not 1 <= len(text) <= limit:
                raise Invalid(
                    f"{text!r} must have 1 to {limit} characters in an action", code="bad_effect"
                )


def _summary(effect: CheckRunEffect) -> str:
    total = len(effect.annotations)
    note = ""
    if total > MAX_ANNOTATIONS:
        note = f"\n\nShowing {MAX_ANNOTATIONS:,} of {total:,} annotations."
    return fit(encodable(effect.summary) or "-", MAX_TEXT - octets(note), octets) + note

"""Comments on issues and pull requests, and reactions to both."""

import msgspec

from hookyard.kit.json import Json
from hookyard_sandbox.github import changes
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.http import (
    Answer,
    Call,
    Endpoint,
    Refusal,
    check_text,
    invalid,
    not_found,
    not_permitted,
    schema_error,
)
from hookyard_sandbox.github.model import REACTIONS, Comment, Issue
from hookyard_sandbox.github.routes.issues import READ, WRITE
from hookyard_sandbox.github.shapes import issues as shapes


class CommentRequest(msgspec.Struct):
    """Body of a comment."""

    body: str


class ReactionRequest(msgspec.Struct):
    """Body of a reaction."""

    content: str


def _show(call: Call, comment: Comment) -> Json:
    return changes.show_comment(call.world, call.repository, comment, call.api)


def _find(call: Call, level: str = "read") -> tuple[Issue, Comment]:
    number = call.number("comment_id")
    for one in call.repository.issues.values():
        for comment in one.comments:
            if comment.id == number:
                if one.pull is None and not call.may("issues", level):
                    raise not_permitted()
                return one, comment
    raise not_found()


def _text(call: Call) -> str:
    text = call.read(CommentRequest).body
    if not text.strip():
        raise invalid("IssueComment", "body", "missing_field", "body can't be blank")
    check_text("IssueComment", "body", text)
    return text


def _own(call: Call, comment: Comment) -> None:
    # why: an App edits its own comments; others only with contents write, as maintainers do.
    if comment.app is not call.caller and not call.may("contents", "write"):
        raise not_permitted()


def list_comments(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/issues/{n}/comments`: oldest first."""
    since = call.query.get("since", "")
    found = [c for c in call.issue().comments if stamp(c.updated_at_ms) >= since]
    return call.page(found, lambda c: _show(call, c))


def create_comment(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/issues/{n}/comments`"""
    one, text = call.issue("write"), _text(call)
    if one.locked:
        raise Refusal(403, "Unable to create comment because issue is locked.")
    comment = changes.add_comment(call.world, call.repository, call.actor, one, text)
    url = f"{call.api}/repos/{call.repository.full_name}/issues/comments/{comment.id}"
    return Answer(201, _show(call, comment), {"Location": url})


def list_all_comments(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/issues/comments`: of the whole repository, by id."""
    found = [c for one in call.repository.issues.values() for c in one.comments]
    found.sort(key=lambda c: c.id, reverse=call.query.get("direction") == "desc")
    return call.page(found, lambda c: _show(call, c))


def get_comment(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/issues/comments/{id}`"""
    return Answer(200, _show(call, _find(call)[1]))


def update_comment(call: Call) -> Answer:
    """`PATCH /repos/{o}/{r}/issues/comments/{id}`"""
    one, comment = _find(call, "write")
    _own(call, comment)
    changes.edit_comment(call.world, call.repository, call.actor, one, comment, _text(call))
    return Answer(200, _show(call, comment))


def delete_comment(call: Call) -> Answer:
    """`DELETE /repos/{o}/{r}/issues/comments/{id}`"""
    one, comment = _find(call, "write")
    _own(call, comment)
    changes.delete_comment(call.world, call.repository, call.actor, one, comment)
    return Answer(204)


def _target(call: Call, level: str = "read") -> Issue | Comment:
    return _find(call, level)[1] if "comment_id" in call.params else call.issue(level)


def list_reactions(call: Call) -> Answer:
    """`GET …/reactions` of an issue or a comment."""
    wanted = call.query.get("content")
    found = [r for r in _target(call).reactions if wanted in (None, r.content)]
    return call.page(found, lambda r: shapes.reaction(call.api, r))


def create_reaction(call: Call) -> Answer:
    """`POST …/reactions`: 201, or 200 when the App had already reacted so."""
    target, content = _target(call, "write"), call.read(ReactionRequest).content
    if content not in REACTIONS:
        raise schema_error(f"{content} is not a member of {list(REACTIONS)}.")
    reaction, new = changes.react(call.world, call.repository, call.actor, target, content)
    return Answer(201 if new else 200, shapes.reaction(call.api, reaction))


def delete_reaction(call: Call) -> Answer:
    """`DELETE …/reactions/{id}`: the App's own."""
    target, number = _target(call, "write"), call.number("reaction_id")
    found = next((r for r in target.reactions if r.id == number), None)
    if found is None or found.user is not call.caller.bot:
        raise not_found()
    target.reactions.remove(found)
    call.world.record(
        "reaction", "deleted", call.actor, repository=call.repository.full_name, id=found.id
    )
    return Answer(204)


_REPO = "/repos/{owner}/{repo}/issues"
_ON_ISSUE = _REPO + "/{number}/reactions"
_ONE = _REPO + "/comments/{comment_id}"
_ON_COMMENT = _ONE + "/reactions"
ENDPOINTS = (
    Endpoint("GET", _REPO + "/comments", list_all_comments, needs=READ),
    Endpoint("GET", _ONE, get_comment, needs=READ),
    Endpoint("PATCH", _ONE, update_comment, needs=WRITE, content=True),
    Endpoint("DELETE", _ONE, delete_comment, needs=WRITE),
    Endpoint("GET", _REPO + "/{number}/comments", list_comments, needs=READ),
    Endpoint("POST", _REPO + "/{number}/comments", create_comment, needs=WRITE, content=True),
    Endpoint("GET", _ON_ISSUE, list_reactions, needs=READ),
    Endpoint("POST", _ON_ISSUE, create_reaction, needs=WRITE, content=True),
    Endpoint("DELETE", _ON_ISSUE + "/{reaction_id}", delete_reaction, needs=WRITE),
    Endpoint("GET", _ON_COMMENT, list_reactions, needs=READ),
    Endpoint("POST", _ON_COMMENT, create_reaction, needs=WRITE, content=True),
    Endpoint("DELETE", _ON_COMMENT + "/{reaction_id}", delete_reaction, needs=WRITE),
)

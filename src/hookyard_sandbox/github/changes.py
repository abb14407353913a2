"""What can happen to issues, comments and reactions, by people and by Apps alike.

Each change writes history and announces the webhook GitHub would send.
"""

from collections.abc import Sequence

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.model import (
    Actor,
    Comment,
    Issue,
    Label,
    Pull,
    Reaction,
    Repository,
    User,
)
from hookyard_sandbox.github.shapes import accounts, issues, pulls, repositories
from hookyard_sandbox.github.state import World


def about(world: World, it: Repository, by: User) -> dict[str, Json]:
    """The part every repository event has."""
    api = world.api_url
    facts: dict[str, Json] = {
        "repository": repositories.repository(api, it),
        "sender": accounts.user(api, by),
    }
    if it.owner.kind == "Organization":
        facts["organization"] = accounts.organization(api, it.owner)
    return facts


def show_issue(world: World, it: Repository, one: Issue, api: str | None = None) -> JsonObject:
    """An issue as JSON, with its author's association."""
    return issues.issue(api or world.api_url, it, one, world.association(it, one.user))


def show_comment(world: World, it: Repository, one: Comment, api: str | None = None) -> JsonObject:
    """A comment as JSON, with its author's association."""
    return issues.comment(api or world.api_url, it, one, world.association(it, one.user))


def label_of(world: World, it: Repository, name: str) -> Label:
    """The label of this name, made when the repository has none."""
    known = it.labels.get(name.lower())
    if known is None:
        known = it.labels[name.lower()] = Label(world.new_id(), name)
    return known


def open_issue(
    world: World,
    it: Repository,
    by: Actor,
    title: str,
    body: str | None,
    labels: Sequence[str] = (),
    assignees: Sequence[str] = (),
    pull: Pull | None = None,
) -> Issue:
    """Open an issue, or a pull request when `pull` says between what."""
    now = world.now_ms()
    one = Issue(
        id=world.new_id(),
        number=world.next_number(it),
        title=title,
        body=body,
        user=by.user,
        created_at_ms=now,
        updated_at_ms=now,
        app=by.app,
        pull=pull,
        labels=[label_of(world, it, name) for name in dict.fromkeys(labels)],
        assignees=[world.user(name) for name in assignees],
    )
    it.issues[one.number] = one
    kind = "pull_request" if pull else "issue"
    world.record(
        kind,
        "created",
        by,
        repository=it.full_name,
        number=one.number,
        id=one.id,
        title=title,
        body=body,
    )
    _announce_issue(world, it, by, one, "opened")
    return one


def _announce_issue(
    world: World, it: Repository, by: Actor, one: Issue, action: str, **extra: Json
) -> None:
    payload: dict[str, Json] = {"action": action, **extra}
    if one.pull is None:
        payload["issue"] = show_issue(world, it, one)
        world.announce("issues", it, payload | about(world, it, by.user))
        return
    head = world.repositories[one.pull.head_repository.lower()]
    shape = pulls.full_pull(world.api_url, it, head, one, world.association(it, one.user))
    payload |= {"number": one.number, "pull_request": shape}
    world.announce("pull_request", it, payload | about(world, it, by.user))


def edit_issue(
    world: World,
    it: Repository,
    by: Actor,
    one: Issue,
    *,
    title: str | None = None,
    body: str | None = None,
) -> None:
    """Change title and body; None leaves as it is. One `edited` event for both."""
    before: dict[str, Json] = {}
    if title is not None and title != one.title:
        before["title"] = {"from": one.title}
        one.title = title
    if body is not None and body != one.body:
        before["body"] = {"from": one.body or ""}
        one.body = body
    one.updated_at_ms = world.now_ms()
    world.record(
        "issue",
        "updated",
        by,
        repository=it.full_name,
        number=one.number,
        id=one.id,
        title=one.title,
        body=one.body,
    )
    if before:
        _announce_issue(world, it, by, one, "edited", changes=before)


def set_state(
    world: World, it: Repository, by: Actor, one: Issue, state: str, reason: str | None = None
) -> None:
    """Close or reopen."""
    if one.state == state:
        return
    closed = state == "closed"
    one.state = state
    one.state_reason = (reason or "completed") if closed else "reopened"
    one.closed_at_ms = world.now_ms() if closed else None
    one.closed_by = by.user if closed else None
    one.updated_at_ms = world.now_ms()
    action = "closed" if closed else "reopened"
    world.record("issue", action, by, repository=it.full_name, number=one.number, id=one.id)
    _announce_issue(world, it, by, one, action)


def set_labels(world: World, it: Repository, by: Actor, one: Issue, names: Sequence[str]) -> None:
    """Make exactly these the labels; one event for each that came or went."""
    wanted = {name.lower(): label_of(world, it, name) for name in names}
    gone = [x for x in one.labels if x.name.lower() not in wanted]
    new = [x for x in wanted.values() if x not in one.labels]
    if not gone and not new:
        return
    one.labels = [x for x in one.labels if x not in gone] + new
    one.updated_at_ms = world.now_ms()
    shown: list[Json] = [x.name for x in one.labels]
    world.record("labels", "updated", by, repository=it.full_name, number=one.number, labels=shown)
    for action, changed in (("unlabeled", gone), ("labeled", new)):
        for label in changed:
            shape = repositories.label(world.api_url, it, label)
            _announce_issue(world, it, by, one, action, label=shape)


def add_comment(world: World, it: Repository, by: Actor, one: Issue, body: str) -> Comment:
    """Comment on an issue or pull request."""
    now = world.now_ms()
    comment = Comment(world.new_id(), one.number, by.user, body, now, now, by.app)
    one.comments.append(comment)
    one.updated_at_ms = now
    _comment_changed(world, it, by, one, comment, "created")
    return comment


def edit_comment(
    world: World, it: Repository, by: Actor, one: Issue, comment: Comment, body: str
) -> None:
    """Replace a comment's text."""
    before = comment.body
    comment.body = body
    comment.updated_at_ms = world.now_ms()
    changes: JsonObject = {"body": {"from": before}}
    _comment_changed(world, it, by, one, comment, "edited", changes=changes)


def delete_comment(world: World, it: Repository, by: Actor, one: Issue, comment: Comment) -> None:
    """Take a comment away."""
    one.comments.remove(comment)
    _comment_changed(world, it, by, one, comment, "deleted")


def _comment_changed(
    world: World,
    it: Repository,
    by: Actor,
    one: Issue,
    comment: Comment,
    action: str,
    **extra: Json,
) -> None:
    world.record(
        "comment",
        {"edited": "updated"}.get(action, action),
        by,
        repository=it.full_name,
        number=one.number,
        id=comment.id,
        body=comment.body,
    )
    payload: dict[str, Json] = {"action": action, **extra}
    payload["issue"] = show_issue(world, it, one)
    payload["comment"] = show_comment(world, it, comment)
    world.announce("issue_comment", it, payload | about(world, it, by.user))


def react(
    world: World, it: Repository, by: Actor, target: Issue | Comment, content: str
) -> tuple[Reaction, bool]:
    """React; the second value says whether it is new (one person reacts once with one word)."""
    for known in target.reactions:
        if known.user is by.user and known.content == content:
            return known, False
    reaction = Reaction(world.new_id(), by.user, content, world.now_ms())
    target.reactions.append(reaction)
    comment_id = target.id if isinstance(target, Comment) else None
    world.record(
        "reaction",
        "created",
        by,
        repository=it.full_name,
        number=target.number,
        comment_id=comment_id,
        id=reaction.id,
        content=content,
    )
    return reaction, True

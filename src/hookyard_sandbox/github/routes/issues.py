"""Issues and their labels."""

import msgspec
from msgspec import UNSET, UnsetType

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
)
from hookyard_sandbox.github.model import Issue
from hookyard_sandbox.github.shapes import repositories

READ = (("issues", "read"), ("pull_requests", "read"))
WRITE = (("issues", "write"), ("pull_requests", "write"))


class NamedLabel(msgspec.Struct):
    """A label given as an object."""

    name: str


LabelList = list[str | NamedLabel]


class IssueRequest(msgspec.Struct):
    """Body of a new issue."""

    title: str | int | UnsetType = UNSET
    body: str | None = None
    labels: LabelList = []
    assignees: list[str] = []


class IssuePatch(msgspec.Struct):
    """Body of a change to an issue; what is left out stays."""

    title: str | int | UnsetType | None = UNSET
    body: str | UnsetType | None = UNSET
    state: str | UnsetType = UNSET
    state_reason: str | None = None
    labels: LabelList | UnsetType = UNSET
    assignees: list[str] | UnsetType = UNSET


class LabelsRequest(msgspec.Struct):
    """Body of adding or replacing labels."""

    labels: LabelList = []


class LabelRequest(msgspec.Struct):
    """Body of a new label."""

    name: str
    color: str | None = None
    description: str | None = None


def names_of(labels: LabelList) -> list[str]:
    """The names of labels given as texts or objects."""
    return [x if isinstance(x, str) else x.name for x in labels]


def _show(call: Call, one: Issue) -> Json:
    return changes.show_issue(call.world, call.repository, one, call.api)


def list_issues(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/issues`: newest first; pull requests are issues too."""
    state = call.query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Issue", "state")
    wanted = {x.lower() for x in call.query.get("labels", "").split(",") if x}
    since = call.query.get("since", "")
    creator = call.query.get("creator", "").lower()
    found = [
        one
        for one in call.repository.issues.values()
        if state in ("all", one.state)
        and wanted <= {x.name.lower() for x in one.labels}
        and (not creator or one.user.login.lower() == creator)
        and (not since or stamp(one.updated_at_ms) >= since)
    ]
    key = "updated_at_ms" if call.query.get("sort") == "updated" else "created_at_ms"
    newest = call.query.get("direction", "desc") != "asc"
    found.sort(key=lambda one: (getattr(one, key), one.number), reverse=newest)
    return call.page(found, lambda one: _show(call, one))


def create_issue(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/issues`"""
    body = call.read(IssueRequest)
    if body.title is UNSET or not str(body.title).strip():
        raise invalid("Issue", "title", "missing_field")
    title = str(body.title)
    if len(title) > 256:
        raise invalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)")
    check_text("Issue", "body", body.body)
    one = changes.open_issue(
        call.world,
        call.repository,
        call.actor,
        title,
        body.body,
        names_of(body.labels),
        body.assignees,
    )
    shown = _show(call, one)
    url = f"{call.api}/repos/{call.repository.full_name}/issues/{one.number}"
    return Answer(201, shown, {"Location": url})


def get_issue(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/issues/{n}`"""
    return Answer(200, _show(call, call.issue()))


def update_issue(call: Call) -> Answer:
    """`PATCH /repos/{o}/{r}/issues/{n}`"""
    one, body = call.issue("write"), call.read(IssuePatch)
    title = None if body.title in (UNSET, None) else str(body.title)
    text = None if body.body is UNSET else (body.body or "")
    if title is not None and not title.strip():
        raise invalid("Issue", "title", "missing_field")
    check_text("Issue", "body", text)
    if body.state is not UNSET and body.state not in ("open", "closed"):
        raise invalid("Issue", "state")
    world, it, actor = call.world, call.repository, call.actor
    if body.assignees is not UNSET:
        one.assignees = [world.user(name) for name in body.assignees]
    changes.edit_issue(world, it, actor, one, title=title, body=text)
    if body.labels is not UNSET:
        changes.set_labels(world, it, actor, one, names_of(body.labels))
    if body.state is not UNSET:
        changes.set_state(world, it, actor, one, body.state, body.state_reason)
    return Answer(200, _show(call, one))


def _labels(call: Call, one: Issue) -> Answer:
    return call.page(one.labels, lambda x: repositories.label(call.api, call.repository, x))


def list_issue_labels(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/issues/{n}/labels`"""
    return _labels(call, call.issue())


def add_labels(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/issues/{n}/labels`"""
    one, names = call.issue("write"), names_of(call.read(LabelsRequest).labels)
    if not names:
        raise invalid("Issue", "labels", "custom", "labels must not be empty")
    kept = [x.name for x in one.labels]
    changes.set_labels(call.world, call.repository, call.actor, one, kept + names)
    return _labels(call, one)


def replace_labels(call: Call) -> Answer:
    """`PUT /repos/{o}/{r}/issues/{n}/labels`"""
    one, names = call.issue("write"), names_of(call.read(LabelsRequest).labels)
    changes.set_labels(call.world, call.repository, call.actor, one, names)
    return _labels(call, one)


def remove_label(call: Call) -> Answer:
    """`DELETE /repos/{o}/{r}/issues/{n}/labels/{name}`"""
    one, name = call.issue("write"), call.params["name"].lower()
    if all(x.name.lower() != name for x in one.labels):
        raise Refusal(404, "Label does not exist")
    kept = [x.name for x in one.labels if x.name.lower() != name]
    changes.set_labels(call.world, call.repository, call.actor, one, kept)
    return _labels(call, one)


def list_labels(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/labels`"""
    it = call.repository
    return call.page(list(it.labels.values()), lambda x: repositories.label(call.api, it, x))


def get_label(call: Call) -> Answer:
    """`GET /repos/{o}/{r}/labels/{name}`"""
    found = call.repository.labels.get(call.params["name"].lower())
    if found is None:
        raise not_found()
    return Answer(200, repositories.label(call.api, call.repository, found))


def create_label(call: Call) -> Answer:
    """`POST /repos/{o}/{r}/labels`"""
    if not call.may("issues", "write") and not call.may("pull_requests", "write"):
        raise not_permitted()
    body, it = call.read(LabelRequest), call.repository
    if body.name.lower() in it.labels:
        raise invalid("Label", "name", "already_exists")
    label = changes.label_of(call.world, it, body.name)
    label.color = (body.color or "ededed").lstrip("#")
    label.description = body.description
    call.world.record(
        "label", "created", call.actor, repository=it.full_name, id=label.id, name=label.name
    )
    return Answer(201, repositories.label(call.api, it, label))


_REPO = "/repos/{owner}/{repo}"
_ONE = _REPO + "/issues/{number}"
ENDPOINTS = (
    Endpoint("GET", _REPO + "/issues", list_issues, needs=READ),
    Endpoint("POST", _REPO + "/issues", create_issue, needs=WRITE[:1], content=True),
    Endpoint("GET", _ONE, get_issue, needs=READ),
    Endpoint("PATCH", _ONE, update_issue, needs=WRITE, content=True),
    Endpoint("GET", _ONE + "/labels", list_issue_labels, needs=READ),
    Endpoint("POST", _ONE + "/labels", add_labels, needs=WRITE, content=True),
    Endpoint("PUT", _ONE + "/labels", replace_labels, needs=WRITE, content=True),
    Endpoint("DELETE", _ONE + "/labels/{name}", remove_label, needs=WRITE, content=True),
    Endpoint("GET", _REPO + "/labels", list_labels, needs=READ),
    Endpoint("GET", _REPO + "/labels/{name}", get_label, needs=READ),
    Endpoint("POST", _REPO + "/labels", create_label, needs=WRITE, content=True),
)

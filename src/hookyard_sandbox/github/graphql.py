"""The one GraphQL query this GitHub answers: the issues that a pull request closes.

# spec: docs.github.com, GraphQL: POST /graphql on GitHub, /api/graphql on GHES; errors come with
# status 200; what the token does not reach is NOT_FOUND.
"""

import re

import msgspec

from hookyard.kit.json import Json
from hookyard_sandbox.github.http import Answer, Call, Endpoint, has
from hookyard_sandbox.github.model import Issue, Repository

FIELD = "closingIssuesReferences"
_CLOSES = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d{1,9})\b", re.IGNORECASE)


class QueryBody(msgspec.Struct):
    """Body of a query."""

    query: str
    variables: dict[str, str | int] = {}


def ask(call: Call) -> Answer:
    """`POST /graphql`"""
    body = call.read(QueryBody)
    if FIELD not in body.query:
        return _refused("UNSUPPORTED", "this simulation answers one query only")
    name = f"{body.variables.get('owner')}/{body.variables.get('name')}".lower()
    it = call.world.repositories.get(name)
    one = it.issues.get(int(body.variables.get("number", 0))) if it else None
    if it is None or one is None or one.pull is None or not _reaches(call, it):
        return _refused("NOT_FOUND", "Could not resolve to a PullRequest.")
    nodes: list[Json] = [
        {"number": number, "repository": {"nameWithOwner": it.full_name}}
        for number in closed_by(it, one)[: int(body.variables.get("first", 0))]
    ]
    found: Json = {"repository": {"pullRequest": {FIELD: {"nodes": nodes}}}}
    return Answer(200, {"data": found})


def closed_by(it: Repository, pull: Issue) -> list[int]:
    """Issues it names with a keyword, or that somebody linked to it, by number."""
    named = {int(number) for number in _CLOSES.findall(pull.body or "")}
    linked = pull.pull.linked if pull.pull else set()
    return sorted(n for n in named | linked if n in it.issues and it.issues[n].pull is None)


def _reaches(call: Call, it: Repository) -> bool:
    token = call.token
    if token is None or not has(token, "pull_requests", "read"):
        return False
    within = token.repository_ids is None or it.id in token.repository_ids
    return within and it in call.world.repositories_of(token.installation)


def _refused(kind: str, message: str) -> Answer:
    return Answer(200, {"data": None, "errors": [{"type": kind, "message": message}]})


ENDPOINT = Endpoint("POST", "/graphql", ask)

"""The world as a person would see it, for the demo and for assertions of tests."""

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.model import CheckRun, Comment, Issue, Reaction, Repository
from hookyard_sandbox.github.state import World


def look(world: World) -> JsonObject:
    """Issues with comments and reactions, and check runs, of every repository."""
    return {"repositories": [_repository(it) for it in world.repositories.values()]}


def _repository(it: Repository) -> JsonObject:
    issues: list[Json] = [_issue(one) for one in it.issues.values()]
    runs: list[Json] = [_run(run) for run in it.check_runs.values()]
    statuses: list[Json] = [
        {"sha": s.sha, "context": s.context, "state": s.state, "description": s.description}
        for s in it.statuses
    ]
    return {
        "full_name": it.full_name,
        "issues": issues,
        "check_runs": runs,
        "statuses": statuses,
        "branches": dict(it.branches),
    }


def _issue(one: Issue) -> JsonObject:
    return {
        "number": one.number,
        "kind": "pull_request" if one.pull else "issue",
        "title": one.title,
        "body": one.body,
        "state": one.state,
        "by": one.user.login,
        "labels": [label.name for label in one.labels],
        "comments": [_comment(c) for c in one.comments],
        "reactions": _reactions(one.reactions),
    }


def _comment(one: Comment) -> JsonObject:
    return {
        "id": one.id,
        "by": one.user.login,
        "app": one.app.slug if one.app else None,
        "body": one.body,
        "edited": one.updated_at_ms != one.created_at_ms,
        "reactions": _reactions(one.reactions),
    }


def _reactions(reactions: list[Reaction]) -> list[Json]:
    return [{"by": r.user.login, "content": r.content} for r in reactions]


def _run(run: CheckRun) -> JsonObject:
    return {
        "id": run.id,
        "name": run.name,
        "app": run.app.slug,
        "head_sha": run.head_sha,
        "status": run.status,
        "conclusion": run.conclusion,
        "title": run.title,
        "summary": run.summary,
        "text": run.text,
        "external_id": run.external_id,
        "actions": [dict(one) for one in run.actions],
        "annotations": [
            {
                "path": a.path,
                "start_line": a.start_line,
                "end_line": a.end_line,
                "level": a.annotation_level,
                "message": a.message,
            }
            for a in run.annotations
        ],
    }

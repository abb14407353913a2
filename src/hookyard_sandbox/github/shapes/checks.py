"""Check runs and their annotations as JSON."""

from hookyard.kit.json import JsonObject
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import Annotation, CheckRun, Repository
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes.repositories import api_of, page_of


def check_run(api: str, it: Repository, one: CheckRun) -> JsonObject:
    """A check run."""
    url = f"{api_of(api, it)}/check-runs/{one.id}"
    return {
        "id": one.id,
        "node_id": accounts.node_id("CheckRun", one.id),
        "name": one.name,
        "head_sha": one.head_sha,
        "external_id": one.external_id,
        "url": url,
        "html_url": f"{page_of(api, it)}/runs/{one.id}",
        "details_url": one.details_url,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": stamp(one.started_at_ms),
        "completed_at": None if one.completed_at_ms is None else stamp(one.completed_at_ms),
        "output": {
            "title": one.title,
            "summary": one.summary,
            "text": one.text,
            "annotations_count": len(one.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": one.suite_id},
        "app": accounts.app(api, one.app),
        "pull_requests": [],
    }


def annotation(api: str, it: Repository, run: CheckRun, one: Annotation) -> JsonObject:
    """One annotation of a check run."""
    return {
        "path": one.path,
        "blob_href": f"{page_of(api, it)}/blob/{run.head_sha}/{one.path}",
        "start_line": one.start_line,
        "start_column": one.start_column,
        "end_line": one.end_line,
        "end_column": one.end_column,
        "annotation_level": one.annotation_level,
        "title": one.title,
        "message": one.message,
        "raw_details": one.raw_details,
    }

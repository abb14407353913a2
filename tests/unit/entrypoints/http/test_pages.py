"""Pages and problems: everything escaped, the policy fits the style, versions compared."""

import base64
import hashlib
import json
import re

import pytest

from hookyard.entrypoints.http.docs import docs_page
from hookyard.entrypoints.http.pages import POLICY, start_page
from hookyard.entrypoints.http.probes import has_wal_reset_bug
from hookyard.entrypoints.http.problems import headers_of, problem
from hookyard.kit.errors import Limited, Unauthenticated

EVIL = '<script>alert("x")</script>'


def test_style_is_the_one_the_policy_allows() -> None:
    text = bytes(start_page("1.0", "sqlite", []).body).decode()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in POLICY


def test_names_of_sources_are_escaped() -> None:
    text = bytes(start_page("1.0", "sqlite", [f"/webhooks/github/{EVIL}"]).body).decode()
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_document_is_escaped_wherever_it_is_shown() -> None:
    schema = {"type": EVIL, "enum": [EVIL]}
    response = {"description": EVIL, "content": {EVIL: {"schema": {"type": EVIL}}}}
    operation = {
        "operationId": EVIL,
        "description": EVIL,
        "tags": [EVIL],
        "x-hookyard-action": EVIL,
        "parameters": [{"name": EVIL, "in": EVIL, "schema": schema}],
        "requestBody": {"content": {EVIL: {"schema": {"$ref": f"#/{EVIL}"}}}},
        "responses": {EVIL: response},
    }
    document = {
        "info": {"title": EVIL, "version": EVIL, "description": EVIL},
        "paths": {f"/{EVIL}": {"get": operation}},
        "components": {"schemas": {EVIL: schema}},
    }
    assert "<script" not in bytes(docs_page(document).body).decode()


def test_problem_names_status_and_code() -> None:
    body = json.loads(problem(404, "not_found", "nothing"))
    assert body == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "nothing",
    }
    assert json.loads(problem(799, "odd", "?"))["title"] == "Error"


def test_errors_bring_their_headers() -> None:
    assert headers_of(Limited(retry_after_s=7)) == {"retry-after": "7"}
    assert headers_of(Unauthenticated())["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("version", "has_bug"),
    [("3.40.1", True), ("3.51.2", True), ("3.51.3", False), ("3.52.0", False), ("18.1", False)],
)
def test_sqlite_with_the_wal_bug_is_known_by_its_version(version: str, has_bug: bool) -> None:
    assert has_wal_reset_bug(version) is has_bug

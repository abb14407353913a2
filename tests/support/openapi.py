"""GitHub's OpenAPI document as a judge of requests and answers.

# why: OpenAPI 3.0 says `nullable` beside an enum that lists no null; taken literally, GitHub's own
# examples fail, so every nullable schema is rewritten to allow null before use.
"""

import functools
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import httpx2
import jsonschema_rs
import pytest

from hookyard.kit.json import Json, JsonObject, as_object, dig
from hookyard_sandbox.github.app import ENDPOINTS
from hookyard_sandbox.github.http import Endpoint

PACKAGES = Path(__file__).parents[2] / "node_modules"
DOCUMENT = PACKAGES / "@octokit" / "openapi" / "generated" / "api.github.com.json"
ROOT = "urn:github"
# why: GitHub's document asks of this list that an account be a user and an enterprise at once
# (its own example fails); the schema of a single installation is meant.
LISTED_INSTALLATIONS: JsonObject = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/installation"},
}
_ALIASES = {
    "/repos/{}/{}/contents": "/repos/{}/{}/contents/{}",
    "/repos/{}/{}/git/ref/heads/{}": "/repos/{}/{}/git/ref/{}",
}


def require_npm(path: Path = DOCUMENT) -> None:
    """Skip, or fail in CI, when the npm packages are not there."""
    if path.exists():
        return
    text = f"{path.name} is missing: run `npm ci` to install the packages tests read"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def allow_null(schema: Json) -> Json:
    """The schema with every `nullable` written out."""
    if isinstance(schema, list):
        return [allow_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: allow_null(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") is not True:
        return plain
    return {"anyOf": [plain, {"type": "null"}]}


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """The endpoint of the simulated GitHub that serves a path."""
    for endpoint in ENDPOINTS:
        pattern = re.sub(r"\{[^}:]*:path\}", "(.+)", endpoint.path)
        pattern = re.sub(r"\{[^}]*\}", "([^/]+)", pattern)
        if endpoint.method == method and re.fullmatch(pattern, path):
            return endpoint
    return None


def shaped(path: str) -> str:
    """A path template without the names of its parameters."""
    bare = re.sub(r"\{[^}]*\}", "{}", path)
    return _ALIASES.get(bare, bare)


class Judge:
    """Validators of GitHub's operations and webhooks, made when first needed."""

    def __init__(self, document: JsonObject) -> None:
        self._paths = {shaped(p): as_object(v) for p, v in as_object(document["paths"]).items()}
        self._hooks = as_object(document["x-webhooks"])
        self._components = allow_null(document["components"])
        resource = {"components": self._components}
        self._registry = jsonschema_rs.Registry([(ROOT, resource)], draft=jsonschema_rs.Draft4)
        self._made: dict[str, jsonschema_rs.Validator] = {}

    def operation(self, method: str, template: str) -> JsonObject:
        """The operation of a route; KeyError when GitHub has none."""
        return as_object(self._paths[shaped(template)][method.lower()])

    def request_errors(self, method: str, template: str, body: Json) -> list[str]:
        """What GitHub's schema says against a request body."""
        operation = self.operation(method, template)
        schema = _json_schema(as_object(operation.get("requestBody")))
        return [] if schema is None else self.errors(schema, body)

    def response_errors(self, method: str, template: str, status: int, body: Json) -> list[str]:
        """What GitHub's schema says against an answer; an undocumented refusal is basic-error."""
        responses = as_object(self.operation(method, template)["responses"])
        described = as_object(responses.get(str(status)))
        if (method, template, status) == ("GET", "/app/installations", 200):
            return self.errors(LISTED_INSTALLATIONS, body)
        if "$ref" in described:
            name = str(described["$ref"]).rpartition("/")[2]
            described = as_object(dig(self._components, "responses", name))
        if not described and status < 400:
            return [f"GitHub does not document {status} here"]
        schema = _json_schema(described)
        if schema is None and status >= 400:
            schema = {"$ref": "#/components/schemas/basic-error"}
        if schema is None:
            return [] if body is None else ["GitHub documents no body here"]
        if status >= 400 and isinstance(schema, Mapping) and "oneOf" in schema:
            # why: the refusals GitHub tells apart by oneOf are open objects that overlap.
            schema = {"anyOf": schema["oneOf"]}
        return self.errors(schema, body)

    def webhook_errors(self, event: str, action: str | None, payload: Json) -> list[str]:
        """What GitHub's schema says against the payload of a webhook."""
        name = "-".join(x.replace("_", "-") for x in (event, action) if x)
        post = as_object(dig(self._hooks, name, "post"))
        schema = _json_schema(as_object(post["requestBody"]))
        return ["no schema"] if schema is None else self.errors(schema, payload)

    def example(self, name: str) -> Json:
        """One of the document's own examples."""
        return dig(self._components, "examples", name, "value")

    def errors(self, schema: Json, value: Json) -> list[str]:
        """Every complaint of a schema of the document about a value."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._made:
            local = json.loads(json.dumps(allow_null(schema)).replace('"#/', f'"{ROOT}#/'))
            self._made[key] = jsonschema_rs.Draft4Validator(
                local, validate_formats=True, registry=self._registry
            )
        found = self._made[key].iter_errors(value)
        return [f"{'/'.join(map(str, e.instance_path))}: {e.message[-300:]}" for e in found]


class Watch:
    """Hears every answer of a client; collects complaints and the endpoints that succeeded."""

    def __init__(self, by: Judge) -> None:
        self._judge = by
        self.complaints: list[str] = []
        self.covered: set[Endpoint] = set()

    async def hear(self, response: httpx2.Response) -> None:
        """An event hook of httpx2 for responses."""
        await response.aread()
        request = response.request
        path = request.url.path.removeprefix("/api/v3")
        endpoint = endpoint_of(request.method, path)
        if endpoint is None:
            return
        if response.status_code < 400:
            self.covered.add(endpoint)
        place = f"{endpoint.method} {endpoint.path} {response.status_code}"
        said = self._request(endpoint, response) + self._response(endpoint, response)
        self.complaints += [f"{place} {line}" for line in said]

    def _request(self, endpoint: Endpoint, response: httpx2.Response) -> list[str]:
        sent = response.request.content
        if not sent or response.status_code >= 400:
            return []
        body = json.loads(sent)
        return self._judge.request_errors(endpoint.method, endpoint.path, body)

    def _response(self, endpoint: Endpoint, response: httpx2.Response) -> list[str]:
        status, kind = response.status_code, response.headers.get("content-type", "")
        if status == 304 or "raw" in kind:
            return []
        body = json.loads(response.content) if response.content else None
        return self._judge.response_errors(endpoint.method, endpoint.path, status, body)


def _json_schema(described: Mapping[str, Json]) -> Json:
    return dig(described, "content", "application/json", "schema")


@functools.cache
def judge() -> Judge:
    """The judge of GitHub.com's document; call `require_npm` first."""
    document: JsonObject = json.loads(DOCUMENT.read_bytes())
    return Judge(document)

"""Requests made up from the whole document of records: no 5xx, no answer it does not describe."""

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import response_headers_conformance

from hookyard.features.records.documents.parts import ITEM, LINES_TYPE
from tests.journeys.background import Background, on_engine
from tests.journeys.conftest import ADMIN
from tests.journeys.test_api_schema import CHECKS

HEADERS = {"Authorization": f"Bearer {ADMIN}"}
EXAMPLES = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 4}
INSIDE = "127.0.0.1:9"


@schemathesis.serializer(LINES_TYPE)
def as_lines(_: object, value: Any) -> bytes:
    """A list as lines of JSON; anything else as one."""
    listed = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(one).encode() + b"\n" for one in listed)


@schemathesis.deserializer(LINES_TYPE)
def of_lines(_: object, response: Any) -> object:
    """Lines of JSON as a list; of other documents, which are judged elsewhere, as text."""
    if "/v1/" not in response.request.url:
        return response.content.decode()
    return [json.loads(line) for line in response.content.splitlines()]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Background]:
    server = request.getfixturevalue("postgres_server") if request.param == "postgres" else None
    environ = {"HOOKYARD_SUBSCRIBERS_ALLOW": INSIDE}
    with on_engine(server, tmp_path_factory.mktemp("records-schema"), environ) as found:
        assert found.caller is not None
        # why: else a made-up `wait` waits for a minute.
        found.caller.yard.records.feed.bell.closed = True
        yield found


def published(running: Background) -> dict[str, Any]:
    """The document as the server gives it."""
    answer = httpx2.get(f"{running.address}/v1/openapi.json", headers=HEADERS, trust_env=False)
    assert answer.status_code == 200
    again = httpx2.get(
        f"{running.address}/v1/openapi.json",
        headers=HEADERS | {"If-None-Match": answer.headers["etag"]},
        trust_env=False,
    )
    assert (again.status_code, again.content) == (304, b"")
    return dict(answer.json())


def spelled_out(tree: Any) -> Any:
    """The document with lines of JSON as lists of what each of them holds, which can be made up
    and be judged."""
    if isinstance(tree, list):
        return [spelled_out(inner) for inner in tree]
    if not isinstance(tree, dict):
        return tree
    found = {name: spelled_out(inner) for name, inner in tree.items()}
    if LINES_TYPE in found and ITEM in found[LINES_TYPE]:
        listed = {"type": "array", "items": found[LINES_TYPE][ITEM]}
        found[LINES_TYPE] = {"schema": listed}
    return found


def made(running: Background) -> dict[str, str]:
    """A consumer and a subscription, for paths that name one, and a change before both."""

    def ask(path: str, body: object) -> httpx2.Response:
        return httpx2.post(
            f"{running.address}/v1/{path}", json=body, headers=HEADERS, trust_env=False
        )

    ask("users", {"displayName": "first"})
    ask("_consumers", {"name": "reader"})
    new = ask("_subscriptions", {"url": f"http://{INSIDE}/in"})
    assert new.status_code == 201, new.text
    return {"{name}": "reader", "_subscriptions": str(new.json()["id"])}


def aimed(body: Any) -> Any:
    """A body whose address is looked up nowhere: it keeps its scheme and path."""
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        try:
            parts = urlsplit(body["url"])
        except ValueError:
            return body
        if parts.netloc:
            return {**body, "url": urlunsplit(("http", INSIDE, *parts[2:]))}
    return body


def put_in_place(case: schemathesis.Case, known: dict[str, str]) -> None:
    """Names of what there is, in the path, and a change that can be sent again."""
    if case.path.endswith("/_replay"):
        case.body = {"from": 1, "to": 1}
    if "name" in case.path_parameters:
        case.path_parameters["name"] = known["{name}"]
    elif "_subscriptions" in case.path:
        case.path_parameters["id"] = known["_subscriptions"]
    elif "id" in case.path_parameters:
        case.path_parameters["id"] = "a:b:c" if "shared" in case.path else "one"


def asking(
    running: Background, mode: GenerationMode, known: dict[str, str], seen: Counter[int]
) -> Callable[[schemathesis.Case], None]:
    def ask(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            put_in_place(case, known)
        case.body = aimed(case.body)
        answer = case.call_and_validate(
            base_url=running.address,
            headers=HEADERS | {"X-Tenant-Id": "default"},
            checks=[*CHECKS, response_headers_conformance],
            timeout=120,
        )
        seen[answer.status_code] += 1

    return ask


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_made_up_request_surprises(running: Background, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(spelled_out(copy.deepcopy(published(running))))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 80
    # why: what is deleted is no longer there for the others.
    operations.sort(key=lambda one: one.method.lower() == "delete")
    seen: Counter[int] = Counter()
    ask = asking(running, mode, made(running), seen)
    silent = []
    for operation in operations:
        bounded = settings(
            max_examples=EXAMPLES[mode],
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        before = seen.total()
        with suppress(Unsatisfiable):
            bounded(given(case=operation.as_strategy(generation_mode=mode))(ask))()
        if seen.total() == before:
            silent.append(f"{operation.method} {operation.path}")
    if mode is GenerationMode.POSITIVE:
        assert silent == []
        assert {200, 201, 202, 204, 404} <= set(seen), seen
    else:
        assert {400, 404} <= set(seen), seen
    assert seen.total() > 200

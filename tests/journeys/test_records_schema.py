"""Requests made up from the document of records: no 5xx, no answer it does not describe."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.journeys.background import Background
from tests.journeys.conftest import ADMIN
from tests.journeys.test_api_schema import CHECKS

PICKED = ("users", "messages", "agent-shared-states", "memories", "_transact", "_changes")
HEADERS = {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    with Background(tmp_path_factory.mktemp("records-schema")) as found:
        yield found


def published(running: Background) -> dict[str, Any]:
    """The document as the server gives it, of some entities: all are made the same way."""
    answer = httpx2.get(f"{running.address}/v1/openapi.json", headers=HEADERS, trust_env=False)
    assert answer.status_code == 200
    found = dict(answer.json())
    again = httpx2.get(
        f"{running.address}/v1/openapi.json",
        headers=HEADERS | {"If-None-Match": answer.headers["etag"]},
        trust_env=False,
    )
    assert (again.status_code, again.content) == (304, b"")
    found["paths"] = {
        path: item for path, item in found["paths"].items() if path.split("/")[2] in PICKED
    }
    return found


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_made_up_request_surprises(running: Background, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(published(running))
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 25
    seen: dict[int, int] = {}

    def ask(case: schemathesis.Case) -> None:
        if "id" in case.path_parameters and mode is GenerationMode.POSITIVE:
            case.path_parameters["id"] = "a:b:c" if "shared" in case.path else "one"
        headers = HEADERS | {"X-Tenant-Id": "default"}
        answer = case.call_and_validate(
            base_url=running.address, headers=headers, checks=CHECKS, timeout=60
        )
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1

    for operation in operations:
        bounded = settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        try:
            bounded(given(case=operation.as_strategy(generation_mode=mode))(ask))()
        except Unsatisfiable:
            continue
    assert sum(seen.values()) > 100
    wanted = {200, 201, 404} if mode is GenerationMode.POSITIVE else {400}
    assert wanted <= set(seen), seen

"""Requests made up from our own OpenAPI document: no 5xx, no answer it does not describe."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.journeys.background import Background
from tests.journeys.conftest import ADMIN

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def background(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    with Background(tmp_path_factory.mktemp("schema")) as running:
        yield running


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_made_up_request_surprises(background: Background, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_dict(background.document)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 25
    tried = 0

    def ask(case: schemathesis.Case) -> None:
        nonlocal tried
        tried += 1
        for name, real in background.ids.items():
            if name in case.path_parameters and mode is GenerationMode.POSITIVE and tried % 2:
                case.path_parameters[name] = real
        # why: a process without a GitHub App says 503 there, and says so in the document.
        own = CHECKS[1:] if case.path == "/healthz" else CHECKS
        case.call_and_validate(
            base_url=background.address,
            headers={"Authorization": f"Bearer {ADMIN}"},
            checks=own,
            timeout=20,
        )

    for operation in operations:
        bounded = settings(
            max_examples=8 if operation.path_parameters or operation.body else 5,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        try:
            bounded(given(case=operation.as_strategy(generation_mode=mode))(ask))()
        except Unsatisfiable:
            continue
    assert tried > 100

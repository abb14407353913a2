"""How many subscriptions there may be, and where they may not lead."""

import json
from pathlib import Path

import pytest

from hookyard.adapters.http.port import OutboundFailed, OutboundRefused
from hookyard.features.records.feeding.subscriptions import MOST
from hookyard.kit.errors import Conflict, HookyardError
from tests.contract.records.places import Place
from tests.support.subscribers import Stage


@pytest.fixture
def stage(place: Place, tmp_path: Path) -> Stage:
    return Stage(place.database, place.records, place.clock, place.ids, tmp_path)


async def subscribe(place: Place) -> None:
    body = json.dumps({"url": "https://hooks.example.com/in"}).encode()
    assert (await place.call("POST", "/v1/_subscriptions", body)).status == 201


async def test_a_tenant_has_so_many_at_most(place: Place, stage: Stage) -> None:
    for _ in range(MOST):
        await subscribe(place)
    with pytest.raises(Conflict):
        await subscribe(place)


async def test_an_address_inside_is_refused_without_saying_where_it_leads(
    place: Place, stage: Stage
) -> None:
    details = set()
    for refusal in (
        OutboundRefused("address", "the host leads inside: 10.0.0.7"),
        OutboundFailed("unresolved", "the host's name has no address"),
    ):
        stage.web.refusal = refusal
        with pytest.raises(HookyardError) as refused:
            await subscribe(place)
        assert (refused.value.status, refused.value.problem_code) == (400, "bad_url")
        details.add(refused.value.detail)
    assert details == {"the address does not lead to a public host"}

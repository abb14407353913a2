"""Every route of the running application declares what it takes to call it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from hookyard.bootstrap import open_yard
from hookyard.entrypoints.http.app import Front
from hookyard.settings import load_settings
from tests.house import routes


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    given = {"HOOKYARD_DATA_DIR": str(tmp_path / "data"), "HOOKYARD_ADMIN_KEY": "k" * 32}
    yard = await open_yard(load_settings(given, folder=tmp_path), {})
    yield Front(yard)
    await yard.close()


async def page(request: Request) -> Response:
    return Response()


async def test_every_route_declares_its_action_or_is_open_for_a_reason(front: Front) -> None:
    assert routes.undeclared(front) == []
    assert all(len(reason) > 20 for reason in routes.OPEN.values())


async def test_a_route_that_declares_nothing_is_found(front: Front) -> None:
    bare = APIRouter()
    bare.add_api_route("/api/bare", page)
    front.app.include_router(bare)
    front.app.add_route("/page", page, methods=["GET", "POST"])
    front.app.router.routes.append(Mount("/more", front.app))
    found = "\n".join(routes.undeclared(front))
    for name in ("/api/bare", "GET /page", "POST /page", "Mount"):
        assert name in found


def test_what_the_front_door_hands_away_is_on_the_list() -> None:
    assert routes.plain_ways(routes.front_door()) == []
    assert routes.plain_ways("if path.startswith(SECRET): pass") == ["SECRET"]

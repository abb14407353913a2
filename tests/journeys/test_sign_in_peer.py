"""The whole sign-in against an issuer that is not ours and enforces PKCE: npm's oidc-provider."""

from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from hookyard.kit.clock import ManualClock, SystemClock
from tests.support.oidc_peer import Peer, require_peer, sign_in
from tests.support.worlds import open_world

pytestmark = pytest.mark.npm
PUBLIC = "https://hookyard.example"
BACK = f"{PUBLIC}/auth/oidc/callback"


async def test_a_person_of_an_independent_issuer_signs_in(tmp_path: Path) -> None:
    require_peer()
    async with AsyncExitStack() as stack:
        peer = stack.enter_context(Peer(BACK))
        environ = {
            "HOOKYARD_PUBLIC_URL": PUBLIC,
            "HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1",
            "HOOKYARD_ADMINS": "oidc:alice",
            "OIDC_ISSUER": peer.issuer,
            "OIDC_CLIENT_ID": "confidential",
            "OIDC_CLIENT_SECRET": "a secret of the peer",
        }
        # why: the issuer is another program and goes by the machine's clock.
        clock = ManualClock(SystemClock().now_ms())
        world = await open_world(stack, tmp_path, environ, agent=False, clock=clock)
        door = str(world.caller.http.base_url).rstrip("/")
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=60))
        began = await http.get(door + "/auth/oidc/login")
        assert began.status_code == 303, began.text
        kept = {"cookie": began.headers["set-cookie"].partition(";")[0]}
        back = await sign_in(began.headers["location"], BACK)
        address = f"{door}/auth/oidc/callback?{urlencode(back)}"
        done = await http.get(address, headers=kept)
        assert done.status_code == 303, done.text
        opened = next(c for c in done.headers.get_list("set-cookie") if "_session=hks_" in c)
        session = {"cookie": opened.partition(";")[0]}
        me = (await http.get(door + "/api/me", headers=session)).json()
        assert (me["name"], me["email"]) == ("Name of alice", None)
        assert me["session"]["issuer"] == peer.issuer
        assert [grant["role"] for grant in me["grants"]] == ["admin"]
        again = await http.get(address, headers=kept)
        assert (again.status_code, again.json()["code"]) == (400, "signin_state")

"""Behind a proxy that ends https: cookies for this host alone, the public origin, its callback."""

from contextlib import AsyncExitStack
from pathlib import Path

import httpx2

from tests.support.browsers import query_of
from tests.support.worlds import open_world

PUBLIC = "https://hookyard.example"


async def test_over_https_everything_is_bound_to_the_public_address(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        environ = {"HOOKYARD_PUBLIC_URL": PUBLIC, "HOOKYARD_ADMINS": "alice"}
        world = await open_world(stack, tmp_path, environ, agent=False)
        world.app.app.callback_urls = [f"{PUBLIC}/auth/callback"]
        world.sandbox.sign_in_as("alice")
        door = str(world.caller.http.base_url).rstrip("/")
        http = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=20))
        # The proxy passes the browser's headers on; the Host header here is not believed.
        began = await http.get(door + "/auth/github", headers={"host": "evil.example"})
        asked = query_of(began.headers["location"])
        assert asked["redirect_uri"] == f"{PUBLIC}/auth/callback"
        pending = began.headers["set-cookie"]
        assert pending.startswith("__Host-hookyard_signin=")
        assert pending.endswith("; Secure")
        back = (await http.get(began.headers["location"])).headers["location"]
        assert back.startswith(f"{PUBLIC}/auth/callback?")
        sent = {"cookie": pending.partition(";")[0]}
        done = await http.get(back.replace(PUBLIC, door), headers=sent)
        assert done.status_code == 303
        opened = next(
            c
            for c in done.headers.get_list("set-cookie")
            if c.startswith("__Host-hookyard_session")
        )
        assert opened.endswith("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure")
        value = opened.partition(";")[0].partition("=")[2]
        session = {"cookie": f"__Host-hookyard_session={value}"}
        me = (await http.get(door + "/api/me", headers=session)).json()
        assert me["login"] == "alice"
        bare = {"cookie": f"hookyard_session={value}"}
        assert (await http.get(door + "/api/me", headers=bare)).status_code == 401
        token = {"x-hookyard-csrf": me["csrf_token"]}
        foreign = session | token | {"origin": door}
        refused = await http.post(door + "/auth/logout", headers=foreign)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
        own = session | token | {"origin": PUBLIC}
        ended = await http.post(door + "/auth/logout", headers=own)
        assert ended.status_code == 204
        assert ended.headers["set-cookie"].startswith("__Host-hookyard_session=; Path=/; Max-Age=0")

"""The client and its tokens against the strict simulated GitHub, over real sockets."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from random import Random

import pytest

from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.port import GitHubFailed, GitHubLimited, GitHubRefused, GitHubUnclear
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.core.tokens.model import InstallationGone, InstallationSuspended, scope_of
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.clock import ManualClock
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.github import HastyClock, private_key

ISSUES = "/repos/acme/shop/issues"


@dataclass
class Bench:
    sandbox: Sandbox
    clock: HastyClock
    app: GitHubClient
    tokens: InstallationTokens
    github: GitHubClient
    installation_id: int

    def calls(self, method: str, path: str) -> int:
        return [seen[:2] for seen in self.sandbox.gateway.seen].count((method, path))


@pytest.fixture
def sandbox(clock: ManualClock) -> Iterator[Sandbox]:
    with Sandbox(clock) as running:
        yield running


@pytest.fixture
async def bench(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Bench]:
    prefix = getattr(request, "param", "")
    clock = HastyClock(sandbox.world.now_ms())
    registered = sandbox.register_app(private_key=private_key())
    sandbox.create_repository("acme/shop", files={"README.md": "# shop\n"})
    installation = sandbox.create_installation(registered)
    wire = Wire(WireOptions(base_url=sandbox.base_url + prefix, trust_env=False))
    app = GitHubClient(
        wire, AppJwt(str(registered.id), private_key(), clock), clock, random=Random(1)
    )
    tokens = InstallationTokens(app, clock)
    github = app.with_tokens(tokens)
    yield Bench(sandbox, clock, app, tokens, github, installation.id)
    await wire.close()


async def test_app_says_who_it_is(bench: Bench) -> None:
    response = await bench.app.call("GET", "/app")
    assert isinstance(response.data, dict)
    assert response.data["slug"] == "hookyard"


@pytest.mark.parametrize("minutes", [10, -10])
async def test_clock_that_is_ten_minutes_off_is_learned(bench: Bench, minutes: int) -> None:
    bench.sandbox.skew(minutes * 60)
    await bench.app.call("GET", "/app")
    assert bench.app.jwt.offset_ms == minutes * 60_000
    token = await bench.tokens.token(bench.installation_id)
    assert token.expires_at_ms - bench.clock.now_ms() == 3_600_000
    response = await bench.github.call(
        "POST", ISSUES, installation_id=bench.installation_id, body={"title": "it works"}
    )
    assert response.status == 201


@pytest.mark.parametrize("stateless", [True, False])
async def test_both_token_shapes_work(bench: Bench, stateless: bool) -> None:
    bench.sandbox.world.stateless_tokens = stateless
    token = await bench.tokens.token(bench.installation_id)
    assert (len(token.value) > 200) is stateless
    response = await bench.github.call(
        "GET", "/repos/acme/shop", installation_id=bench.installation_id
    )
    assert isinstance(response.data, dict)
    assert response.data["full_name"] == "acme/shop"


async def test_narrow_token_is_granted_what_was_asked(bench: Bench) -> None:
    scope = scope_of(["acme/Shop"], {"issues": "read"})
    token = await bench.tokens.token(bench.installation_id, scope)
    assert token.repositories == ("acme/shop",)
    assert token.permissions == {"issues": "read", "metadata": "read"}
    with pytest.raises(GitHubRefused):
        await bench.tokens.token(bench.installation_id, scope_of(["nowhere"]))


@pytest.mark.parametrize("bench", ["", "/api/v3"], indirect=True, ids=["github.com", "ghes"])
async def test_pages_of_a_real_list_come_whole(bench: Bench) -> None:
    for number in range(250):
        bench.sandbox.create_issue("acme/shop", f"issue {number}")
    pages = bench.github.pages(
        ISSUES, installation_id=bench.installation_id, query={"state": "all"}
    )
    assert len({item["number"] async for item in pages}) == 250
    path = "/repos/acme/shop/issues"
    assert bench.calls("GET", path) == 3


@pytest.mark.parametrize("bench", ["", "/api/v3"], indirect=True, ids=["github.com", "ghes"])
async def test_conditional_request_is_answered_from_the_cache_and_costs_nothing(
    bench: Bench,
) -> None:
    first = await bench.github.call(
        "GET", "/repos/acme/shop", installation_id=bench.installation_id
    )
    again = await bench.github.call(
        "GET", "/repos/acme/shop", installation_id=bench.installation_id
    )
    assert (again.unchanged, again.data) == (True, first.data)
    remaining = "x-ratelimit-remaining"
    assert again.headers[remaining] == first.headers[remaining]


async def test_reset_after_the_server_applied_a_write_is_unclear(bench: Bench) -> None:
    bench.sandbox.fail("reset", method="POST", path=ISSUES)
    with pytest.raises(GitHubUnclear):
        await bench.github.call(
            "POST", ISSUES, installation_id=bench.installation_id, body={"title": "once"}
        )
    assert len(bench.sandbox.history(kind="issue")) == 1
    assert bench.calls("POST", ISSUES) == 1


async def test_gateway_error_after_a_write_landed_is_unclear(bench: Bench) -> None:
    bench.sandbox.fail("error_after", method="POST", path=ISSUES, status=502)
    with pytest.raises(GitHubUnclear):
        await bench.github.call(
            "POST", ISSUES, installation_id=bench.installation_id, body={"title": "once"}
        )
    assert len(bench.sandbox.history(kind="issue")) == 1


async def test_write_refused_with_503_has_failed_and_is_not_repeated(bench: Bench) -> None:
    bench.sandbox.fail("error", method="POST", path=ISSUES, status=503)
    with pytest.raises(GitHubFailed):
        await bench.github.call(
            "POST", ISSUES, installation_id=bench.installation_id, body={"title": "no"}
        )
    assert bench.calls("POST", ISSUES) == 1


@pytest.mark.parametrize("kind", ["error", "drop"])
async def test_read_survives_three_failures_in_a_row(bench: Bench, kind: str) -> None:
    bench.sandbox.fail(kind, method="GET", path="/repos/acme/shop", times=3)
    response = await bench.github.call(
        "GET", "/repos/acme/shop", installation_id=bench.installation_id
    )
    assert response.status == 200


async def test_secondary_limit_without_header_holds_for_a_minute(bench: Bench) -> None:
    bench.sandbox.fail("secondary_limit", method="POST", retry_after=False, path=ISSUES)
    with pytest.raises(GitHubLimited) as caught:
        await bench.github.call(
            "POST", ISSUES, installation_id=bench.installation_id, body={"title": "later"}
        )
    assert (caught.value.kind, caught.value.until_ms) == (
        "secondary",
        bench.clock.now_ms() + 60_000,
    )
    bench.clock.advance(60)
    response = await bench.github.call(
        "POST", ISSUES, installation_id=bench.installation_id, body={"title": "later"}
    )
    assert response.status == 201


@pytest.mark.parametrize("skew_s", [0, 600, -600])
async def test_primary_limit_holds_until_the_reset_by_our_clock(bench: Bench, skew_s: int) -> None:
    bench.sandbox.skew(skew_s)
    await bench.app.call("GET", "/app")
    bench.sandbox.fail("primary_limit", method="GET", path="/repos/acme/shop", wait_s=900)
    with pytest.raises(GitHubLimited) as caught:
        await bench.github.call("GET", "/repos/acme/shop", installation_id=bench.installation_id)
    assert caught.value.kind == "primary"
    assert caught.value.until_ms == bench.clock.now_ms() + 900_000


async def test_suspended_installation_is_told_even_while_a_token_is_cached(bench: Bench) -> None:
    await bench.github.call("GET", "/repos/acme/shop", installation_id=bench.installation_id)
    bench.sandbox.suspend(bench.installation_id)
    with pytest.raises(InstallationSuspended):
        await bench.github.call("GET", ISSUES, installation_id=bench.installation_id)
    bench.sandbox.unsuspend(bench.installation_id)
    bench.tokens.forget(bench.installation_id)
    response = await bench.github.call("GET", ISSUES, installation_id=bench.installation_id)
    assert response.status == 200


async def test_removed_installation_is_gone(bench: Bench) -> None:
    await bench.github.call("GET", "/repos/acme/shop", installation_id=bench.installation_id)
    bench.clock.advance(60)
    bench.sandbox.uninstall(bench.installation_id)
    with pytest.raises(InstallationGone):
        await bench.github.call("GET", ISSUES, installation_id=bench.installation_id)

"""Installation tokens: one mint per scope, good until the margin, never seen in text."""

import asyncio
from collections.abc import Callable

import httpx2
import msgspec
import pytest

from hookyard.adapters.github.port import GitHubFailed, GitHubLimited, GitHubRefused
from hookyard.core.tokens.model import (
    InstallationGone,
    InstallationSuspended,
    Scope,
    scope_of,
)
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.errors import Invalid
from tests.support.github import HastyClock, Script, answer, date_header, minted

STATELESS = "ghs_42_" + "eyJhbGciOiJSUzI1NiJ9." + "a-_" * 150 + "." + "b" * 40


class Bench:
    """Tokens over a scripted GitHub."""

    def __init__(
        self, *steps: httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]
    ) -> None:
        self.clock = HastyClock()
        self.script = Script(*steps, clock=self.clock)
        self.tokens = InstallationTokens(self.script.client, self.clock)

    def mint(self, value: str) -> Callable[[httpx2.Request], httpx2.Response]:
        return lambda _: minted(self.clock, value)

    def then(self, *values: str) -> "Bench":
        self.script.steps += [self.mint(value) for value in values]
        return self


async def test_twelve_callers_at_once_cost_one_mint() -> None:
    bench = Bench().then("one")
    got = await asyncio.gather(*[bench.tokens.token(7) for _ in range(12)])
    assert {token.value for token in got} == {"one"}
    assert bench.script.asked == ["POST /api/app/installations/7/access_tokens"]


@pytest.mark.parametrize("value", ["ghs_" + "A1" * 18, STATELESS], ids=["opaque", "stateless"])
async def test_both_shapes_are_taken_as_they_are(value: str) -> None:
    token = await Bench().then(value).tokens.token(7)
    assert token.value == value
    assert token.permissions == {"issues": "write"}
    assert token.repositories is None


async def test_token_is_reused_until_the_margin() -> None:
    bench = Bench().then("one", "two")
    assert (await bench.tokens.token(7)).value == "one"
    bench.clock.advance(3539)
    assert (await bench.tokens.token(7)).value == "one"
    bench.clock.advance(2)
    assert (await bench.tokens.token(7)).value == "two"


async def test_caller_may_ask_for_a_longer_life() -> None:
    bench = Bench().then("one", "two")
    await bench.tokens.token(7)
    bench.clock.advance(1000)
    assert (await bench.tokens.token(7, min_ttl_s=2000)).value == "one"
    assert (await bench.tokens.token(7, min_ttl_s=3000)).value == "two"
    assert (await bench.tokens.token(7)).value == "two"


async def test_scopes_have_tokens_of_their_own() -> None:
    bench = Bench().then("whole")
    given = {"permissions": {"issues": "read"}, "repositories": [{"full_name": "acme/app"}]}
    bench.script.steps.append(lambda _: minted(bench.clock, "narrow", **given))
    narrow = scope_of(["acme/App", "app", "lib"], {"issues": "read"})
    assert narrow == scope_of(["LIB", "other/app"], {"issues": "read"})
    assert (await bench.tokens.token(7)).value == "whole"
    assert (await bench.tokens.token(7, narrow)).value == "narrow"
    assert (await bench.tokens.token(7, narrow)).value == "narrow"
    whole, asked = (request.content for request in bench.script.requests)
    assert whole == b""
    assert msgspec.json.decode(asked) == {
        "repositories": ["app", "lib"],
        "permissions": {"issues": "read"},
    }


@pytest.mark.parametrize("skew_s", [600, -600])
async def test_expiry_is_kept_on_our_clock(skew_s: int) -> None:
    bench = Bench()

    def skewed(_: httpx2.Request) -> httpx2.Response:
        theirs = HastyClock(bench.clock.now_ms() + skew_s * 1000)
        response = minted(theirs, "one")
        response.headers.update(date_header(theirs.now_ms()))
        return response

    bench.script.steps.append(skewed)
    token = await bench.tokens.token(7)
    assert token.expires_at_ms == bench.clock.now_ms() + 3_600_000


async def test_failed_flight_is_not_remembered() -> None:
    bench = Bench(httpx2.ReadTimeout("slow")).then("one")
    got = await asyncio.gather(*[bench.tokens.token(7) for _ in range(3)], return_exceptions=True)
    assert all(isinstance(error, Exception) for error in got)
    assert (await bench.tokens.token(7)).value == "one"


async def test_cancelled_waiter_does_not_cancel_the_flight() -> None:
    bench = Bench().then("one")
    impatient = asyncio.create_task(bench.tokens.token(7))
    patient = asyncio.create_task(bench.tokens.token(7))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).value == "one"
    assert impatient.cancelled() or impatient.cancelling()
    assert len(bench.script.requests) == 1


async def test_flight_everyone_left_still_fills_the_cache() -> None:
    bench = Bench().then("one")
    only = asyncio.create_task(bench.tokens.token(7))
    await asyncio.sleep(0)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    assert (await bench.tokens.token(7)).value == "one"
    assert len(bench.script.requests) == 1


async def test_rejected_token_is_never_given_out_again() -> None:
    bench = Bench().then("one", "two")
    bench.tokens.reject(await bench.tokens.token(7))
    assert (await bench.tokens.token(7)).value == "two"


async def test_rejecting_an_older_token_keeps_the_newer() -> None:
    bench = Bench().then("one", "two")
    old = await bench.tokens.token(7)
    bench.tokens.reject(old)
    await bench.tokens.token(7)
    bench.tokens.reject(old)
    assert (await bench.tokens.token(7)).value == "two"


async def test_forgetting_drops_every_scope_of_one_installation() -> None:
    bench = Bench()
    only = [{"full_name": "acme/app"}]
    bench.script.steps += [
        lambda _, value=value: minted(bench.clock, value, repositories=only)  # type: ignore[misc]
        for value in "abcde"
    ]
    narrow = scope_of(["app"])
    for installation_id, scope in ((7, Scope()), (7, narrow), (8, Scope())):
        await bench.tokens.token(installation_id, scope)
    bench.tokens.forget(7)
    assert (await bench.tokens.token(8)).value == "c"
    assert (await bench.tokens.token(7)).value == "d"
    assert (await bench.tokens.token(7, narrow)).value == "e"


async def test_flight_under_way_is_not_kept_once_forgotten() -> None:
    bench = Bench().then("old", "new")
    flight = asyncio.create_task(bench.tokens.token(7))
    await asyncio.sleep(0)
    bench.tokens.forget(7)
    assert (await flight).value == "old"
    assert (await bench.tokens.token(7)).value == "new"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (404, "Not Found", InstallationGone),
        (403, "This installation has been suspended", InstallationSuspended),
    ],
)
async def test_installation_without_tokens_is_told_and_remembered_for_a_minute(
    status: int, message: str, kind: type[Exception]
) -> None:
    bench = Bench(answer(status, {"message": message})).then("back")
    for _ in range(3):
        with pytest.raises(kind, match=message):
            await bench.tokens.token(7)
    assert len(bench.script.requests) == 1
    bench.clock.advance(61)
    assert (await bench.tokens.token(7)).value == "back"


async def test_unsuspended_installation_works_at_once() -> None:
    bench = Bench(answer(403, {"message": "This installation has been suspended"})).then("back")
    with pytest.raises(InstallationSuspended):
        await bench.tokens.token(7)
    bench.tokens.forget(7)
    assert (await bench.tokens.token(7)).value == "back"


async def test_scope_refused_says_so_without_blaming_the_installation() -> None:
    refused = answer(422, {"message": "There is at least one repository that does not exist"})
    bench = Bench(refused).then("whole")
    with pytest.raises(GitHubRefused, match="does not exist"):
        await bench.tokens.token(7, scope_of(["nope"]))
    assert (await bench.tokens.token(7)).value == "whole"


async def test_limit_on_minting_reaches_every_waiter() -> None:
    bench = Bench(answer(429, {"message": "slow down"}, {"retry-after": "9"}))
    got = await asyncio.gather(*[bench.tokens.token(7) for _ in range(3)], return_exceptions=True)
    assert [type(error) for error in got] == [GitHubLimited] * 3
    assert len(bench.script.requests) == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"token": "", "expires_at": "2030-01-01T00:00:00Z"},
        {"token": "x" * 1001, "expires_at": "2030-01-01T00:00:00Z"},
        {"token": "a\r\nb: c", "expires_at": "2030-01-01T00:00:00Z"},
        {"token": "t", "expires_at": "tomorrow"},
        [],
    ],
)
async def test_answer_without_a_usable_token_is_a_failure(data: object) -> None:
    with pytest.raises(GitHubFailed) as caught:
        await Bench(answer(201, data)).tokens.token(7)
    assert "x" * 20 not in str(caught.value)


async def test_token_that_is_dead_on_arrival_is_not_cached() -> None:
    dead = {"token": "t", "expires_at": "2001-01-01T00:00:00Z"}
    bench = Bench(answer(201, dead)).then("live")
    await bench.tokens.token(7)
    assert (await bench.tokens.token(7)).value == "live"


async def test_token_never_shows_in_text() -> None:
    bench = Bench().then("s3cret", "s3cret")
    token = await bench.tokens.token(7)
    response = await bench.script.client.call("POST", "/app/installations/8/access_tokens")
    for shown in (token, bench.tokens, response, bench.script.reports, [token]):
        assert "s3cret" not in f"{shown!r} {shown}"


@pytest.mark.parametrize("names", [[], [""], ["acme/"], [f"r{n}" for n in range(501)]])
def test_scope_that_makes_no_sense_is_invalid(names: list[str]) -> None:
    with pytest.raises(Invalid):
        scope_of(names)
    with pytest.raises(Invalid):
        scope_of(None, {})

"""Calls as an installation: lagging replicas are waited out, dead tokens replaced."""

import pytest

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHubMissing, GitHubRefused
from tests.support.github import HastyClock, Script, answer

REFUSED = {"message": "Bad credentials"}
HOUR_MS = 3_600_000


class Tokens:
    """A source that mints t1, t2, … and gives each out until it is rejected."""

    def __init__(self, clock: HastyClock, age_s: float = 0) -> None:
        self._clock = clock
        self._age_ms = int(age_s * 1000)
        self.minted = 0
        self._current: AccessToken | None = None

    async def token(self, installation_id: int) -> AccessToken:
        if self._current is None:
            self.minted += 1
            now_ms = self._clock.now_ms() - self._age_ms
            self._age_ms = 0
            value = f"t{self.minted}"
            self._current = AccessToken(installation_id, value, now_ms, now_ms + HOUR_MS)
        return self._current

    def reject(self, token: AccessToken) -> None:
        if token is self._current:
            self._current = None


def bearers(script: Script) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in script.requests]


@pytest.mark.parametrize("status", [401, 403])
async def test_lag_after_a_mint_is_waited_out(status: int) -> None:
    clock = HastyClock()
    script = Script(answer(status, REFUSED), answer(status, REFUSED), answer(200, 1), clock=clock)
    github = script.client.with_tokens(Tokens(clock))
    assert (await github.call("GET", "/repos/o/r/pulls", installation_id=1)).data == 1
    assert clock.slept == [1.0, 3.0]
    assert bearers(script) == ["t1", "t1", "t1"]


async def test_repository_not_visible_yet_is_waited_for() -> None:
    clock = HastyClock()
    steps = [answer(404), answer(404), answer(404), answer(200, {}), answer(404)]
    script = Script(*steps, clock=clock)
    github = script.client.with_tokens(Tokens(clock))
    with pytest.raises(GitHubMissing):
        await github.call("GET", "/repos/o/r/contents/x", installation_id=1)
    paths = ["contents/x", "", "contents/x", ""]
    assert [a.removeprefix("GET /api/repos/o/r").strip("/") for a in script.asked] == paths
    assert clock.slept == [1.0]


async def test_grace_ends_after_three_pauses() -> None:
    clock = HastyClock()
    script = Script(*[answer(404) for _ in range(4)], clock=clock)
    github = script.client.with_tokens(Tokens(clock))
    with pytest.raises(GitHubMissing):
        await github.call("GET", "/repos/o/r", installation_id=1)
    assert clock.slept == [1.0, 3.0, 10.0]


async def test_missing_file_in_a_visible_repository_is_missing_at_once() -> None:
    clock = HastyClock()
    script = Script(answer(200, {}), answer(404), answer(404), clock=clock)
    github = script.client.with_tokens(Tokens(clock))
    await github.call("GET", "/repos/o/r/pulls", installation_id=1)
    for _ in range(2):
        with pytest.raises(GitHubMissing):
            await github.call("GET", "/repos/O/R/contents/x", installation_id=1)
    assert clock.slept == []
    assert len(script.requests) == 3


async def test_old_token_is_believed_when_it_is_refused() -> None:
    clock = HastyClock()
    script = Script(answer(404), clock=clock)
    github = script.client.with_tokens(Tokens(clock, age_s=31))
    with pytest.raises(GitHubMissing):
        await github.call("GET", "/repos/o/r/contents/x", installation_id=1)
    assert clock.slept == []


async def test_revoked_token_is_replaced_once_even_for_a_write() -> None:
    clock = HastyClock()
    tokens = Tokens(clock, age_s=600)
    script = Script(answer(401, REFUSED), answer(201, 1), clock=clock)
    github = script.client.with_tokens(tokens)
    response = await github.call("POST", "/repos/o/r/issues", installation_id=1, body={})
    assert response.status == 201
    assert bearers(script) == ["t1", "t2"]


async def test_token_refused_for_good_is_dropped() -> None:
    clock = HastyClock()
    tokens = Tokens(clock, age_s=600)
    script = Script(*[answer(401, REFUSED) for _ in range(5)], clock=clock)
    github = script.client.with_tokens(tokens)
    with pytest.raises(GitHubRefused):
        await github.call("GET", "/repos/o/r", installation_id=1)
    assert bearers(script) == ["t1", "t2", "t2", "t2", "t2"]
    await tokens.token(1)
    assert tokens.minted == 3


async def test_write_refused_in_a_visible_repository_is_refused_at_once() -> None:
    clock = HastyClock()
    script = Script(answer(403, {"message": "locked"}), answer(200, {}), clock=clock)
    github = script.client.with_tokens(Tokens(clock))
    with pytest.raises(GitHubRefused, match="locked"):
        await github.call("POST", "/repos/o/r/issues/1/comments", installation_id=1, body={})
    assert script.asked == ["POST /api/repos/o/r/issues/1/comments", "GET /api/repos/o/r"]
    assert clock.slept == []


async def test_both_clients_share_what_they_know() -> None:
    clock = HastyClock()
    script = Script(answer(200, 1, {"etag": '"1"'}), answer(304), clock=clock)
    tokens = Tokens(clock)
    first, second = script.client.with_tokens(tokens), script.client.with_tokens(tokens)
    await first.call("GET", "/repos/o/r", installation_id=1)
    assert (await second.call("GET", "/repos/o/r", installation_id=1)).unchanged

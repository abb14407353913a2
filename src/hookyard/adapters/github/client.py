"""The GitHub client: REST over one App's credentials, every outcome typed (see port.py)."""

import copy
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import urljoin, urlsplit

import msgspec

from hookyard.adapters.github.answers import (
    NOT_JSON,
    decode,
    decode_or_none,
    failure,
    items_of,
    message_of,
    refusal_of,
)
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.auth import AccessToken, TokenSource
from hookyard.adapters.github.etags import ETagCache, Kept
from hookyard.adapters.github.grace import Grace
from hookyard.adapters.github.limits import hold_of, read_rate
from hookyard.adapters.github.paths import (
    address,
    graph_address,
    next_link,
    repo_of,
    route_of,
    within,
)
from hookyard.adapters.github.port import (
    GitHubFailed,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
    GitHubResponse,
    GitHubUnclear,
)
from hookyard.adapters.github.report import CallReport, OnResponse
from hookyard.adapters.github.wire import Raw, Wire
from hookyard.kit.backoff import Backoff
from hookyard.kit.clock import Clock
from hookyard.kit.json import Json, JsonObject, as_list, as_object

_RETRIES = 3
_BACKOFF = Backoff(base_s=0.5, cap_s=8.0, floor_s=0.05)
_REDIRECTS = 3
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request before it has credentials."""

    method: str
    url: str
    path: str
    installation_id: int | None
    content: bytes | None = None


class GitHubClient:
    """Implements `port.GitHub`. Without tokens it speaks as the App only; see `with_tokens`.

    `jwt.offset_ms` shows the learned clock offset for health.
    """

    def __init__(
        self,
        wire: Wire,
        jwt: AppJwt,
        clock: Clock,
        *,
        random: Random,
        etags: ETagCache | None = None,
        on_response: OnResponse | None = None,
    ) -> None:
        self.jwt = jwt
        self._wire = wire
        self._clock = clock
        self._random = random
        self._etags = ETagCache() if etags is None else etags
        self._on_response = on_response
        self._holds: dict[int | None, GitHubLimited] = {}
        self._grace = Grace()
        self._tokens: TokenSource | None = None
        self._credential = ""

    def with_tokens(self, tokens: TokenSource) -> "GitHubClient":
        """The same client (connections, caches, holds) that can also speak as installations."""
        twin = copy.copy(self)
        twin._tokens = tokens
        return twin

    def uncached(self) -> "GitHubClient":
        """The same client, keeping no answers: for reads that never come again."""
        twin = copy.copy(self)
        twin._etags = ETagCache(max_bytes=0)
        return twin

    def as_token(self, value: str) -> "GitHubClient":
        """The same client, speaking with this one token and nothing else; it keeps no answers."""
        twin = self.uncached()
        twin._credential = value
        return twin

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()

    async def call(
        self,
        method: str,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        body: JsonObject | None = None,
    ) -> GitHubResponse:
        """One request; see the port. A redirect to another host is refused, not followed."""
        url = address(self._wire.base_url, path, query)
        content = None if body is None else msgspec.json.encode(body)
        return await self._exchange(_Ask(method.upper(), url, path, installation_id, content))

    async def graph(self, query: str, variables: JsonObject, *, installation_id: int) -> JsonObject:
        """What a query finds; see the port."""
        content = msgspec.json.encode({"query": query, "variables": variables})
        url = graph_address(self._wire.base_url)
        answer = as_object(
            (await self._exchange(_Ask("POST", url, "/graphql", installation_id, content))).data
        )
        errors = as_list(answer.get("errors"))
        if errors:
            raise refusal_of(as_object(errors[0]), self._clock.now_ms())
        return as_object(answer.get("data"))

    async def location(self, path: str, *, installation_id: int | None = None) -> str:
        """Where a GET leads that is answered by another host: its address, not asked here.

        Our credential stays behind. Raises as `call` does, and GitHubFailed when it leads nowhere.
        """
        ask = _Ask("GET", address(self._wire.base_url, path), path, installation_id)
        for _ in range(_REDIRECTS + 1):
            raw = await self._authorised(ask)
            if raw.status not in _MOVED:
                self._answer(ask, raw)
                raise GitHubFailed("GitHub did not say where that lies")
            place = urljoin(ask.url, raw.headers.get("location", ""))
            if not within(self._wire.base_url, place):
                return place
            ask = self._redirected(ask, raw)
        raise GitHubRefused(raw.status, "too many redirects")

    async def pages(
        self,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[JsonObject]:
        """Objects of a paginated list; see the port. A next link to another host is refused."""
        url: str | None = address(self._wire.base_url, path, {"per_page": 100, **(query or {})})
        seen: set[str] = set()
        given = 0
        while url is not None and url not in seen:
            seen.add(url)
            response = await self._exchange(_Ask("GET", url, path, installation_id))
            for item in items_of(response.data):
                if given >= limit:
                    return
                given += 1
                yield item
            url = next_link(response.headers.get("link", ""))
            if url is not None and not within(self._wire.base_url, url):
                raise GitHubRefused(response.status, "the next page lies on another host")
            if given >= limit:
                return

    async def _exchange(self, ask: _Ask) -> GitHubResponse:
        for _ in range(_REDIRECTS + 1):
            raw = await self._authorised(ask)
            if raw.status not in _MOVED:
                return self._answer(ask, raw)
            ask = self._redirected(ask, raw)
        raise GitHubRefused(raw.status, "too many redirects")

    def _redirected(self, ask: _Ask, raw: Raw) -> _Ask:
        url = urljoin(ask.url, raw.headers.get("location", ""))
        if ask.method != "GET" and raw.status not in (307, 308):
            raise GitHubRefused(raw.status, "a write was redirected; look up the new address")
        if not within(self._wire.base_url, url):
            raise GitHubRefused(raw.status, "a redirect to another host was not followed")
        prefix = urlsplit(self._wire.base_url).path
        return replace(ask, url=url, path=urlsplit(url).path.removeprefix(prefix))

    def _answer(self, ask: _Ask, raw: Raw) -> GitHubResponse:
        if raw.status >= 400:
            kind = GitHubMissing if raw.status in (404, 410) else GitHubRefused
            raise kind(raw.status, message_of(raw), decode_or_none(raw.body))
        data = self._decode_answer(ask, raw)
        return GitHubResponse(raw.status, raw.headers, data, raw.unchanged)

    def _decode_answer(self, ask: _Ask, raw: Raw) -> Json:
        try:
            data = decode(raw.body)
        except NOT_JSON:
            if ask.method == "GET":
                raise GitHubFailed("the answer is not JSON") from None
            raise GitHubUnclear("the write was answered, but not in JSON") from None
        etag = raw.headers.get("etag")
        if etag and ask.method == "GET" and raw.status == 200 and not raw.unchanged:
            self._etags.put(ask.installation_id, ask.url, Kept(etag, raw.headers, raw.body))
        return data

    async def _authorised(self, ask: _Ask) -> Raw:
        if self._credential:
            return await self._steady(ask, self._credential)
        if ask.installation_id is not None:
            return await self._as_installation(ask)
        raw = await self._steady(ask, await self.jwt.token())
        if raw.status != 401:
            return raw
        learnt = self.jwt.learn(raw.headers.get("date", ""), message_of(raw))
        if learnt or await self.jwt.renew():
            raw = await self._steady(ask, await self.jwt.token())
        return raw

    async def _as_installation(self, ask: _Ask) -> Raw:
        """Calls with an installation's token, again where a refusal proves that nothing was done.

        A refusal of a new token is met by the grace; of a dead one, once, by another mint, which
        also finds out whether the installation is suspended or gone.
        """
        if self._tokens is None or ask.installation_id is None:
            raise GitHubRefused(401, "this client speaks as the App only")
        delays = list(self._grace.delays_s)
        may_replace = True
        while True:
            token = await self._tokens.token(ask.installation_id)
            raw = await self._steady(ask, token.value)
            if raw.status not in (401, 403, 404):
                self._grace.note(token, repo_of(ask.path))
                return raw
            is_suspended = raw.status == 403 and "suspended" in message_of(raw).lower()
            is_young = self._grace.is_fresh(token, self._clock.now_ms()) and not is_suspended
            if is_young and delays and await self._is_lagging(ask, token, raw.status):
                await self._clock.sleep(delays.pop(0))
                continue
            if raw.status != 401 and not is_suspended:
                return raw
            self._tokens.reject(token)
            if is_young or not may_replace:
                return raw
            may_replace = False

    async def _is_lagging(self, ask: _Ask, token: AccessToken, status: int) -> bool:
        """Whether GitHub's replicas may not know a new token yet, asking once where it can tell.

        # why: a missing file answers 404 as well; if the repository itself is visible to the
        # token, the refusal is real and waiting would only delay it.
        """
        repo = repo_of(ask.path)
        if status == 401 or (status == 403 and ask.method == "GET"):
            return True
        if self._grace.is_proven(token, repo):
            return False
        path = f"/repos/{repo}"
        if not repo or ask.path.lower() == path:
            return True
        probe = _Ask("GET", address(self._wire.base_url, path), path, ask.installation_id)
        raw = await self._steady(probe, token.value)
        if raw.status in (401, 403, 404):
            return True
        self._grace.note(token, repo)
        return False

    async def _steady(self, ask: _Ask, credential: str) -> Raw:
        """One request, or for GET up to three more after failures, with jittered pauses."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(ask, credential)
            except (GitHubFailed, GitHubUnclear) as error:
                if ask.method != "GET":
                    raise
                if attempt > _RETRIES:
                    raise GitHubFailed(str(error)) from None
            await self._clock.sleep(_BACKOFF.delay(attempt, self._random))

    async def _once(self, ask: _Ask, credential: str) -> Raw:
        self._refuse_while_held(ask.installation_id)
        headers = {"authorization": f"Bearer {credential}"}
        if ask.content is not None:
            headers["content-type"] = "application/json"
        kept = self._etags.get(ask.installation_id, ask.url) if ask.method == "GET" else None
        if kept is not None:
            headers["if-none-match"] = kept.etag
        started = self._clock.monotonic()
        try:
            raw = await self._wire.send(ask.method, ask.url, headers, ask.content)
        except (GitHubFailed, GitHubUnclear):
            self._report(ask, None, started)
            raise
        self._report(ask, raw, started)
        self._raise_limit(ask.installation_id, raw)
        if raw.status >= 500:
            raise failure(ask.method, raw)
        if raw.status == 304 and kept is not None:
            return Raw(200, {**kept.headers, **raw.headers}, kept.body, unchanged=True)
        return raw

    def _refuse_while_held(self, installation_id: int | None) -> None:
        """# why: calling on during a limit lengthens it and may get the App banned."""
        held = self._holds.get(installation_id)
        if held is None:
            return
        if self._clock.now_ms() < held.until_ms:
            raise GitHubLimited(held.kind, held.until_ms, "Held back without asking.")
        del self._holds[installation_id]

    def _raise_limit(self, installation_id: int | None, raw: Raw) -> None:
        if raw.status not in (403, 429):
            return
        now_ms = self._clock.now_ms()
        rate = read_rate(raw.headers, now_ms)
        message = message_of(raw)
        hold = hold_of(raw.status, rate, message, now_ms)
        if hold is None:
            return
        limited = GitHubLimited(hold.kind, hold.until_ms, message)
        if hold.kind == "secondary" or rate.resource in ("", "core"):
            self._holds[installation_id] = limited
        raise limited

    def _report(self, ask: _Ask, raw: Raw | None, started: float) -> None:
        if self._on_response is None:
            return
        headers = {} if raw is None else raw.headers
        rate = read_rate(headers, self._clock.now_ms())
        self._on_response(
            CallReport(
                method=ask.method,
                route=route_of(ask.path),
                status=0 if raw is None else raw.status,
                duration_ms=(self._clock.monotonic() - started) * 1000,
                remaining=rate.remaining,
                limit=rate.limit,
                reset_ms=rate.reset_ms,
                resource=rate.resource,
                request_id=headers.get("x-github-request-id", ""),
                installation_id=ask.installation_id,
                repository=repo_of(ask.path),
            )
        )

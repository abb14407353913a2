"""The guarded client: a name is looked up once, all its addresses are judged, and the connection
goes to one that was judged, so that a second look-up cannot lead elsewhere.

Proxies named in the environment are not used: through one the address could not be pinned.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx2

from hookyard.adapters.http.addresses import Reach, reach_of
from hookyard.adapters.http.certificates import trusted
from hookyard.adapters.http.port import (
    Answer,
    Ask,
    OutboundFailed,
    OutboundRefused,
    Resolve,
)

SETTING = "HOOKYARD_OUTBOUND_ALLOW"
MAX_URL = 2_048
CHECK_S = 5.0
_MAX_ADDRESSES = 32
_TRIES = 3
_PORTS = {"https": 443, "http": 80}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """Every address that the machine's resolver knows for a host."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be asked, and whether it may lie inside."""

    url: httpx2.URL
    host: str
    port: int
    allowed: bool


class GuardedHttp:
    """Implements `Outbound`. `allow` has hosts, as `host` or `host:port`, that may be inside a
    private network or on this machine, and may be spoken to without TLS."""

    def __init__(
        self,
        allow: Collection[str] = (),
        *,
        resolve: Resolve = system_resolve,
        transport: httpx2.AsyncBaseTransport | None = None,
        certificates: ssl.SSLContext | None = None,
        user_agent: str = "hookyard",
    ) -> None:
        self._allow = frozenset(entry.lower() for entry in allow)
        self._resolve = resolve
        self._transport = transport
        self._certificates = certificates
        self._user_agent = user_agent

    @functools.cached_property
    def _http(self) -> httpx2.AsyncClient:
        # why: made at the first request: most servers never send one, and reading certificates
        # takes tens of milliseconds.
        return httpx2.AsyncClient(
            transport=self._transport,
            verify=self._certificates or trusted(trust_env=True),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx2.Timeout(10.0, connect=4.0),
            # why: a kept connection is known by its address alone; another host at the same
            # address would be spoken to under a certificate that was checked for the first.
            limits=httpx2.Limits(max_connections=20, max_keepalive_connections=0),
            headers={"user-agent": self._user_agent, "accept-encoding": "identity"},
        )

    async def send(self, ask: Ask) -> Answer:
        """One exchange and the redirects that are allowed, within the time of the request."""
        try:
            async with asyncio.timeout(ask.total_s):
                return await self._follow(ask)
        except TimeoutError:
            raise OutboundFailed("slow", f"no whole answer within {ask.total_s:g} s") from None

    async def check(self, url: str) -> None:
        """Look an address up without asking it: OutboundRefused when it must not be asked,
        OutboundFailed when its name leads nowhere."""
        try:
            async with asyncio.timeout(CHECK_S):
                await self._addresses(self.judge(url))
        except TimeoutError:
            raise OutboundFailed(
                "unresolved", "the host's name was not looked up in time"
            ) from None

    async def close(self) -> None:
        """Close every connection."""
        if "_http" in self.__dict__:
            await self._http.aclose()

    async def _follow(self, ask: Ask) -> Answer:
        url, headers, first = ask.url, ask.headers, ""
        for left in range(ask.redirects, -1, -1):
            target = self.judge(url)
            first = first or target.host
            answer = await self._exchange(
                target, ask, headers if target.host == first else _NO_HEADERS
            )
            if answer.status not in _REDIRECTS:
                return answer
            if ask.method != "GET" or not left:
                break
            url = urljoin(str(target.url), answer.headers.get("location", ""))
            if target.url.scheme == "https" and not url.startswith("https://"):
                raise OutboundRefused("redirect", "a redirect leads from https to something else")
        raise OutboundRefused("redirect", "a redirect came, and none is followed here")

    def judge(self, text: str) -> Target:
        """The parts of an address that may be asked; OutboundRefused says why one may not."""
        if len(text) > MAX_URL or not text.isascii() or not text.isprintable():
            raise OutboundRefused("url", "the address is too long or has characters it must not")
        try:
            url = httpx2.URL(text)
            port = url.port or _PORTS.get(url.scheme, 0)
        except (httpx2.InvalidURL, ValueError, TypeError):
            raise OutboundRefused("url", "the address cannot be read") from None
        host = url.host.lower().rstrip(".")
        if url.scheme not in _PORTS or not host:
            raise OutboundRefused("scheme", "the address must start with https://")
        if not 0 < port < 65_536:
            raise OutboundRefused("url", "the address names no port that exists")
        if url.userinfo:
            raise OutboundRefused("url", "the address must not hold a user name or password")
        allowed = host in self._allow or f"{host}:{port}" in self._allow
        if url.scheme == "http" and not allowed:
            raise OutboundRefused("scheme", f"http:// needs the host to be listed in {SETTING}")
        return Target(url, host, port, allowed)

    async def _addresses(self, target: Target) -> Sequence[str]:
        """Where to connect: every address of the host, or none of them."""
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError):
            raise OutboundFailed("unresolved", "the host's name has no address") from None
        if not 0 < len(found) <= _MAX_ADDRESSES:
            raise OutboundFailed("unresolved", "the host's name has no address, or too many")
        for address in found:
            reach = reach_of(address)
            if reach is Reach.NEVER:
                raise OutboundRefused("address", "the host leads to an address that is never asked")
            if reach is Reach.INSIDE and not target.allowed:
                raise OutboundRefused(
                    "address",
                    f"the host leads inside a private network; list it in {SETTING} to allow that",
                )
        return found

    async def _exchange(self, target: Target, ask: Ask, headers: Mapping[str, str]) -> Answer:
        last: OutboundFailed | None = None
        for address in (await self._addresses(target))[:_TRIES]:
            request = self._http.build_request(
                ask.method,
                target.url.copy_with(host=address.partition("%")[0]),
                headers={**headers, "host": target.url.netloc.decode("ascii")},
                content=ask.content,
                extensions={"sni_hostname": target.host},
            )
            try:
                return await self._receive(request, target, ask)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                last = OutboundFailed("unreachable", f"no connection ({type(error).__name__})")
            except (httpx2.RequestError, httpx2.InvalidURL) as error:
                raise OutboundFailed("broken", f"no answer ({type(error).__name__})") from None
        raise last or OutboundFailed("unreachable", "no connection")

    async def _receive(self, request: httpx2.Request, target: Target, ask: Ask) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code in _REDIRECTS:
                return Answer(response.status_code, headers, b"", str(target.url))
            _check_type(headers, ask)
            body, size = bytearray(), 0
            take = ask.into if ask.into is not None and response.status_code == 200 else body.extend
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > ask.max_bytes:
                    raise OutboundFailed("too_large", f"the answer is over {ask.max_bytes} bytes")
                take(chunk)
            return Answer(response.status_code, headers, bytes(body), str(target.url))
        finally:
            await response.aclose()


_NO_HEADERS: Mapping[str, str] = {}


def _check_type(headers: Mapping[str, str], ask: Ask) -> None:
    if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        # why: what unpacks to a thousand times its size would slip past the limit on size.
        raise OutboundFailed("encoding", "the answer is compressed, which was not asked for")
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length[:18]) > ask.max_bytes:
        raise OutboundFailed("too_large", f"the answer is over {ask.max_bytes} bytes")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if ask.accept and kind not in ask.accept:
        raise OutboundFailed("content_type", f"the answer is not {' or '.join(ask.accept)}")

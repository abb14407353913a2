"""JSON over HTTP with vaults: short deadlines, bounded answers, typed errors, one new credential.

Nothing of an answer's body goes into an error: it may hold what was asked for.
"""

import asyncio
import base64
import binascii
import functools
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx2

from hookyard.adapters.secrets.port import (
    SecretDamaged,
    SecretDenied,
    SecretMissing,
    SecretTrouble,
    SecretUnreachable,
)
from hookyard.kit.json import Json, JsonObject, as_object, as_text

TOTAL_S = 5.0
MAX_ANSWER = 512 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: status, JSON object ({} where there is none), lower-case headers."""

    status: int
    data: JsonObject = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Credential(Protocol):
    """What lets us in."""

    async def headers(self, *, renew: bool = False) -> Mapping[str, str]:
        """The headers to send; `renew` when the ones before were refused."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@functools.cache
def _trusted() -> ssl.SSLContext:
    # why: reading the machine's certificates takes tens of milliseconds.
    return httpx2.create_ssl_context()


class Rest:
    """A connection pool to one service, called `label` in errors. Redirects are not followed."""

    def __init__(
        self,
        label: str,
        transport: httpx2.AsyncBaseTransport | None = None,
        *,
        total_s: float = TOTAL_S,
        proxied: bool = True,
    ) -> None:
        self.label = label
        self._total_s = total_s
        self._http = httpx2.AsyncClient(
            transport=transport,
            verify=_trusted(),
            follow_redirects=False,
            trust_env=proxied,
            timeout=httpx2.Timeout(total_s),
            limits=httpx2.Limits(max_connections=8, max_keepalive_connections=4),
            headers={"accept": "application/json", "user-agent": "hookyard"},
        )

    async def ask(
        self,
        method: str,
        url: str,
        *,
        credential: Credential | None = None,
        headers: Mapping[str, str] | None = None,
        data: Json = None,
        form: Mapping[str, str] | None = None,
        refused: frozenset[int] = frozenset({401}),
    ) -> Answered:
        """One exchange, and a second one with a new credential where the first was `refused`.

        SecretMissing for 404, SecretDenied for 401 and 403, SecretTrouble for the rest.
        """
        for renew in (False, True):
            own = {} if credential is None else await credential.headers(renew=renew)
            found = await self._exchange(method, url, {**(headers or {}), **own}, data, form)
            if credential is None or found.status not in refused:
                break
        self._refuse(found)
        return found

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: Json,
        form: Mapping[str, str] | None,
    ) -> Answered:
        request = self._http.build_request(
            method,
            url,
            headers=dict(headers),
            json=data if data is not None else None,
            data=dict(form) if form is not None else None,
        )
        try:
            async with asyncio.timeout(self._total_s):
                return await self._receive(request)
        except (httpx2.RequestError, TimeoutError, OSError) as error:
            raise SecretUnreachable(
                f"{self.label} cannot be reached ({type(error).__name__})"
            ) from None

    async def _receive(self, request: httpx2.Request) -> Answered:
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise SecretDamaged(f"{self.label} answered with over {MAX_ANSWER} bytes")
            headers = {name.lower(): value for name, value in response.headers.items()}
        finally:
            await response.aclose()
        return Answered(response.status_code, self._parsed(response.status_code, body), headers)

    def _parsed(self, status: int, body: bytearray) -> JsonObject:
        try:
            found: Json = json.loads(bytes(body)) if body else {}
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, Mapping):
            if 200 <= status < 300:
                raise SecretDamaged(f"{self.label} did not answer with a JSON object")
            return {}
        return as_object(found)

    def _refuse(self, found: Answered) -> None:
        status = found.status
        if 200 <= status < 300:
            return
        if status == 404:
            raise SecretMissing(f"{self.label} has nothing of that name")
        if status in (401, 403):
            raise SecretDenied(f"{self.label} refused our credentials ({status})")
        if status == 429:
            raise SecretTrouble(f"{self.label} asks us to slow down (429)")
        if status == 400:
            raise Rejected(f"{self.label} rejected the request (400)")
        raise SecretTrouble(f"{self.label} failed ({status})")


class Rejected(SecretTrouble):
    """The service says that the request is wrong."""

    code = "secret_rejected"


def from_base64(value: Json, what: str) -> bytes:
    """Standard base64 out of an answer; SecretDamaged when it is none."""
    try:
        return base64.b64decode(as_text(value), validate=True)
    except (binascii.Error, ValueError):
        raise SecretDamaged(f"{what} is not base64") from None


def to_base64(value: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(value).decode("ascii")


def from_base64url(value: Json, what: str) -> bytes:
    """Base64 for URLs, without padding; SecretDamaged when it is none."""
    text = as_text(value)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SecretDamaged(f"{what} is not base64url") from None


def to_base64url(value: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")

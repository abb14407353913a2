"""A running server over HTTP: where it is, the key, pages of lists, and failures in one line."""

import functools
import ipaddress
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

import click

from hookyard.entrypoints.cli.group import Failed
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text

if TYPE_CHECKING:
    import httpx2

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_S = 30.0
PAGE = 200
Params = Mapping[str, str | int | None]


class Remote:
    """Calls one server; every failure that can be expected is a `Failed` that names the fix."""

    def __init__(self, url: str, key: str) -> None:
        import httpx2

        self.url = url.rstrip("/")
        self._key = key
        try:
            self._http = httpx2.Client(
                base_url=self.url, timeout=TIMEOUT_S, trust_env=not is_local(self.url)
            )
        except (httpx2.InvalidURL, ValueError) as error:
            raise Failed(f"{self.url} is no address: {error}") from None

    def close(self) -> None:
        """Let the connection go."""
        self._http.close()

    def get(self, path: str, **params: str | int | None) -> JsonObject:
        """An object."""
        return self._decoded(self.send("GET", path, params=params))

    def post(self, path: str, body: Json = None) -> JsonObject:
        """An object, after a change."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if content is not None else {}
        return self._decoded(self.send("POST", path, content=content, headers=headers))

    def delete(self, path: str) -> JsonObject:
        """What is left after an end."""
        return self._decoded(self.send("DELETE", path))

    def pages(
        self, path: str, params: Params, *, limit: int, every: bool
    ) -> tuple[list[JsonObject], str | None]:
        """Up to `limit` items of a list, or every one; and where the next page starts."""
        found: list[JsonObject] = []
        cursor: str | None = None
        while True:
            size = PAGE if every else min(PAGE, limit - len(found))
            page = self.get(path, **{**params, "cursor": cursor, "limit": size})
            found += [as_object(item) for item in as_list(page.get("items"))]
            cursor = as_text(page.get("next_cursor")) or None
            if cursor is None or (not every and len(found) >= limit):
                return found, cursor

    def lines(self, path: str) -> Iterator[str]:
        """The lines of a long answer, as they arrive; a refusal or a broken end is `Failed`."""
        with self._streamed(path, {}) as answer:
            yield from answer.iter_lines()

    def pieces(self, path: str, **params: str | int | None) -> Iterator[bytes]:
        """The same as bytes, cut anywhere."""
        with self._streamed(path, params) as answer:
            yield from answer.iter_bytes()

    @contextmanager
    def _streamed(self, path: str, params: Params) -> "Iterator[httpx2.Response]":
        import httpx2

        given = {name: value for name, value in params.items() if value is not None}
        auth = {"authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with self._http.stream("GET", path, params=given or None, headers=auth) as answer:
                if answer.status_code >= 400:
                    answer.read()
                    raise Failed(self._refusal(answer))
                yield answer
        except httpx2.ConnectError:
            raise Failed(self._nobody()) from None
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Failed(f"{self.url} stopped answering: {reason}") from None

    def upload(
        self, path: str, content: Iterable[bytes], headers: Mapping[str, str], params: Params
    ) -> JsonObject:
        """An object, after a long body was sent as it came."""
        return self._decoded(
            self.send("POST", path, params=params, content=content, headers=headers)
        )

    def _nobody(self) -> str:
        return (
            f"nothing answers at {self.url}; start it with `hookyard up`, "
            "or name the server with --url or HOOKYARD_URL"
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> "httpx2.Response":
        """One request with the key; a refusal is `Failed`."""
        given = {name: value for name, value in (params or {}).items() if value is not None}
        auth = {"authorization": f"Bearer {self._key}"} if self._key else {}
        answer = self.exchange(method, path, given, content, {**auth, **(headers or {})})
        if answer.status_code >= 400:
            raise Failed(self._refusal(answer))
        return answer

    def exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int],
        content: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
    ) -> "httpx2.Response":
        """One request as it stands; whatever the status, the answer. `Failed` without one."""
        import httpx2

        try:
            return self._http.request(
                method, path, params=params or None, content=content, headers=dict(headers)
            )
        except httpx2.ConnectError:
            raise Failed(self._nobody()) from None
        except httpx2.TimeoutException:
            raise Failed(f"{self.url} did not answer within {TIMEOUT_S:.0f} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise Failed(f"{self.url} could not be asked: {reason}") from None

    def _decoded(self, answer: "httpx2.Response") -> JsonObject:
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Failed(f"{self.url} does not answer as Hookyard does; check --url")
        return found

    def _refusal(self, answer: "httpx2.Response") -> str:
        try:
            problem = as_object(answer.json())
        except ValueError:
            problem = {}
        detail = as_text(problem.get("detail")) or f"status {answer.status_code}"
        if answer.status_code == 401:
            how = "the key was not accepted" if self._key else "a key is needed"
            return f"{how} by {self.url}; give --key, set HOOKYARD_ADMIN_KEY, or use admin.key"
        if not problem:
            return f"{self.url} answered {answer.status_code}; check --url"
        return f"{detail} ({answer.status_code} {as_text(problem.get('code'))})"


def is_local(url: str) -> bool:
    """Whether the address is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connect(url: str | None, key: str | None) -> Remote:
    """The server that was named, with the key that was given or found.

    The key is `--key`, else HOOKYARD_ADMIN_KEY (environment, `.env`, `hookyard.toml`), else the
    file `admin.key` of the data folder. # why: that file is only ever sent to this machine, so
    that a wrong --url does not give the local key away.
    """
    from hookyard.settings import read_environment

    raw = read_environment(Path.cwd(), os.environ)
    where = url or raw.get("HOOKYARD_URL", "").strip() or DEFAULT_URL
    if urlsplit(where).scheme not in ("http", "https") or not urlsplit(where).hostname:
        raise click.UsageError(f"--url must look like http://host:port, not {where!r}")
    token = key or raw.get("HOOKYARD_ADMIN_KEY", "").strip()
    if not token and is_local(where):
        token = _key_file(Path(raw.get("HOOKYARD_DATA_DIR", "").strip() or ".hookyard"))
    if not (token.isascii() and token.isprintable()):
        raise click.UsageError("--key holds characters that no key has")
    return Remote(where, token)


def _key_file(folder: Path) -> str:
    try:
        return (folder.expanduser() / "admin.key").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def with_server(command: Callable[Concatenate[Remote, P], R]) -> Callable[P, R]:
    """Gives a command --url and --key, and hands it the server."""

    @click.option("--url", help="The server (HOOKYARD_URL).  [default: http://127.0.0.1:8080]")
    @click.option("--key", help="API key (HOOKYARD_ADMIN_KEY, else admin.key in the data folder).")
    @functools.wraps(command)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        url, key = kwargs.pop("url"), kwargs.pop("key")
        remote = connect(
            url if isinstance(url, str) else None, key if isinstance(key, str) else None
        )
        try:
            return command(remote, *args, **kwargs)
        finally:
            remote.close()

    return call

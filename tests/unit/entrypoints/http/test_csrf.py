"""Cookies of sign-in, and what shows that a request comes from our own pages."""

import pytest
from starlette.requests import Request

from hookyard.entrypoints.http import cookies, csrf
from hookyard.kit.errors import Forbidden, Unauthenticated

PUBLIC = "https://hookyard.example"
TOKEN = "the-token-of-the-session"
GOOD = {"origin": PUBLIC, "sec-fetch-site": "same-origin", "x-hookyard-csrf": TOKEN}
REFUSED: dict[str, dict[str, str | None]] = {
    "another site": {"sec-fetch-site": "cross-site"},
    "a sibling subdomain": {"sec-fetch-site": "same-site"},
    "typed by a person": {"sec-fetch-site": "none"},
    "another origin": {"origin": "https://evil.example"},
    "a sibling's origin": {"origin": "https://x.hookyard.example"},
    "the parent's origin": {"origin": "https://example"},
    "another port": {"origin": "https://hookyard.example:8443"},
    "plain http": {"origin": "http://hookyard.example"},
    "an opaque origin": {"origin": "null"},
    "no origin that can be read": {"origin": "https://[::1"},
    "our name before another": {"origin": "https://hookyard.example@evil.example"},
    "our name in another": {"origin": "https://hookyard.example.evil.example"},
    "says nothing": {"origin": None, "sec-fetch-site": None},
    "no token": {"x-hookyard-csrf": None},
    "an empty token": {"x-hookyard-csrf": ""},
    "a token of somebody else": {"x-hookyard-csrf": TOKEN[:-1]},
    "no plain token": {"x-hookyard-csrf": "\u00e9"},
}


def request(
    headers: dict[str, str | None] | None = None,
    *,
    method: str = "POST",
    scheme: str = "https",
    more: tuple[tuple[str, str], ...] = (),
) -> Request:
    pairs = [(k, v) for k, v in (headers or {}).items() if v is not None]
    raw = [(k.encode(), v.encode("latin-1")) for k, v in (*pairs, *more)]
    return Request(
        {
            "type": "http",
            "method": method,
            "scheme": scheme,
            "path": "/",
            "query_string": b"",
            "server": ("hookyard.example", 443),
            "headers": raw,
        }
    )


def test_our_own_pages_pass() -> None:
    csrf.check(request(GOOD), TOKEN, PUBLIC)
    for lacking in ("origin", "sec-fetch-site"):
        csrf.check(request(GOOD | {lacking: None}), TOKEN, PUBLIC)
    csrf.check(request(GOOD | {"origin": PUBLIC + ":443"}), TOKEN, PUBLIC)
    own = GOOD | {"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8080"}
    csrf.check(request(own, scheme="http"), TOKEN, None)


@pytest.mark.parametrize("changed", REFUSED.values(), ids=REFUSED.keys())
def test_requests_of_others_are_refused(changed: dict[str, str | None]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "BREW"):
        with pytest.raises(Forbidden) as caught:
            csrf.check(request(GOOD | changed, method=method), TOKEN, PUBLIC)
        assert caught.value.problem_code == "csrf"
        assert TOKEN not in caught.value.detail


def test_a_second_header_of_a_name_is_judged_too() -> None:
    for pair in (("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")):
        with pytest.raises(Forbidden):
            csrf.check(request(GOOD, more=(pair,)), TOKEN, PUBLIC)
    with pytest.raises(Forbidden):
        csrf.check(request(GOOD, more=(("x-hookyard-csrf", TOKEN),)), TOKEN, PUBLIC)


def test_safe_methods_need_no_proof() -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        csrf.check(request({}, method=method), TOKEN, PUBLIC)


def test_over_https_only_cookies_for_this_host_alone_count() -> None:
    assert cookies.make("hookyard_session", "v", secure=True, max_age_s=9) == (
        "__Host-hookyard_session=v; Path=/; Max-Age=9; HttpOnly; SameSite=Lax; Secure"
    )
    bare, full = "hookyard_session=planted", "__Host-hookyard_session=ours"
    both = request({"cookie": f"{bare}; {full}"})
    assert cookies.read(both, "hookyard_session", secure=True) == "ours"
    planted = request({"cookie": bare})
    assert cookies.read(planted, "hookyard_session", secure=True) is None
    assert cookies.read(planted, "hookyard_session", secure=False) == "planted"
    assert cookies.is_secure(planted, None)
    assert cookies.is_secure(request(scheme="http"), PUBLIC)
    assert not cookies.is_secure(request(), "http://127.0.0.1:8080")


def test_two_cookies_that_differ_are_not_believed() -> None:
    for found in (
        request({"cookie": "hookyard_session=a; hookyard_session=b"}),
        request({"cookie": "hookyard_session=a"}, more=(("cookie", "hookyard_session=b"),)),
    ):
        with pytest.raises(Unauthenticated):
            cookies.read(found, "hookyard_session", secure=False)
    same = request({"cookie": "hookyard_session=a; x; =; hookyard_session=a"})
    assert cookies.read(same, "hookyard_session", secure=False) == "a"


def test_a_heap_of_cookies_is_not_read() -> None:
    heap = "; ".join(f"c{n}=x" for n in range(4_000)) + "; hookyard_session=a"
    assert cookies.read(request({"cookie": heap}), "hookyard_session", secure=False) is None

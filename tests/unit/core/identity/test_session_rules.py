"""What makes a session good, and what is derived from its cookie."""

import pytest

from hookyard.core.identity.model import Grant, Refused, Role, Scope
from hookyard.core.identity.session_rules import (
    SessionOptions,
    client_name,
    csrf_token,
    digest,
    has_shape,
    judge,
    make_cookie,
    mark_of,
)
from hookyard.core.identity.users import Opened, Session

COOKIE = make_cookie(bytes(range(32)))
OPTIONS = SessionOptions(idle_ms=1_000, absolute_ms=5_000)
SESSION = Session("s", digest(COOKIE), "u", "default", "i", "1", "m", "c", 0, 0, 5_000)


def test_a_cookie_has_256_bits_and_a_shape() -> None:
    assert len(COOKIE) == 4 + 43
    assert has_shape(COOKIE)
    for wrong in ("", COOKIE + "A", COOKIE[:-1], COOKIE[4:], COOKIE + "\n", "hks_" + "é" * 43):
        assert not has_shape(wrong)
    with pytest.raises(ValueError, match="32 bytes"):
        make_cookie(b"short")


def test_what_is_sent_back_is_bound_to_the_cookie_and_tells_nothing_of_it() -> None:
    token = csrf_token(COOKIE)
    assert len(token) == 43
    assert token != csrf_token(make_cookie(bytes(32)))
    assert COOKIE not in token
    assert digest(COOKIE) not in token


def test_a_session_ends_unused_and_at_its_term() -> None:
    assert judge(SESSION, 999, OPTIONS) is None
    idle = judge(SESSION, 1_000, OPTIONS)
    assert isinstance(idle, Refused)
    assert idle.code == "idle"
    over = judge(SESSION, 5_000, OPTIONS)
    assert isinstance(over, Refused)
    assert over.code == "expired"


def test_the_mark_changes_with_rights_only() -> None:
    viewer, org = Grant(Role.VIEWER), Grant(Role.ADMIN, Scope.of_org("acme"))
    assert mark_of([viewer, org]) == mark_of([org, viewer, org])
    assert mark_of([viewer]) != mark_of([org]) != mark_of([])
    assert mark_of([viewer]) == mark_of([Grant(Role.VIEWER, source="team acme")])
    by_id = Grant(Role.VIEWER, Scope.of_repository("acme/shop", repository_id=7))
    assert mark_of([by_id]) != mark_of([Grant(Role.VIEWER, Scope.of_repository("acme/shop"))])


def test_secrets_do_not_show() -> None:
    assert COOKIE not in repr(Opened(SESSION, COOKIE))
    assert digest(COOKIE) not in repr(SESSION)


def test_what_a_browser_calls_itself_is_plain_and_short() -> None:
    assert client_name("Fire\x00fox\n/1 \u202e<b>") == "Firefox/1 <b>"
    assert len(client_name("a" * 5_000)) == 200

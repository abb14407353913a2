"""URLs of Postgres as people write them, and what becomes of them."""

import ssl

import pytest

from hookyard.adapters.database.backends.postgres_link import LIMITS, read_link
from hookyard.kit.errors import ConfigurationError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h:5/d", "postgresql://u:p@h:5/d"),
        ("postgresql+asyncpg://h/d", "postgresql://h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql://h/d?sslmode=require"),
        ("postgresql://h/d?ssl=require", "postgresql://h/d?sslmode=require"),
        (
            "postgresql://h/d?sslmode=verify-full&sslrootcert=/ca.pem",
            "postgresql://h/d?sslmode=verify-full&sslrootcert=%2Fca.pem",
        ),
        ("postgresql://h/d?schema=public&connection_limit=5", "postgresql://h/d"),
        (
            "postgresql://h/d?sslmode=require&channel_binding=require",
            "postgresql://h/d?sslmode=require",
        ),
    ],
)
def test_urls_are_understood(given: str, expected: str) -> None:
    assert read_link(given).dsn == expected


def test_a_direct_session_asks_for_its_limits_once() -> None:
    link = read_link("postgresql://h/d")
    assert link.server_settings == LIMITS | {"application_name": "hookyard"}
    assert link.begin("BEGIN") == "BEGIN"
    assert link.statements_kept > 0


@pytest.mark.parametrize(
    ("url", "pooled"),
    [("postgresql://h/d", True), ("postgresql://h/d?pgbouncer=true", False)],
)
def test_behind_a_pooler_every_transaction_brings_its_limits(url: str, pooled: bool) -> None:
    link = read_link(url, pooled=pooled)
    assert link.pooled
    assert link.server_settings == {"application_name": "hookyard"}
    assert link.begin("BEGIN") == (
        "BEGIN; SET LOCAL statement_timeout = 30000; SET LOCAL lock_timeout = 10000; "
        "SET LOCAL idle_in_transaction_session_timeout = 60000"
    )
    assert link.statements_kept == 0


def test_limits_can_be_set_in_the_url() -> None:
    link = read_link("postgresql://h/d?statement_timeout=2min&lock_timeout=3s&connect_timeout=7")
    assert link.limits["statement_timeout"] == "120000"
    assert link.limits["lock_timeout"] == "3000"
    assert link.connect_timeout_s == 7.0


def test_the_roots_of_the_system_are_checked_in_full() -> None:
    link = read_link("postgresql://h/d?sslmode=require&sslrootcert=system")
    assert link.tls is not None
    assert link.tls.check_hostname
    assert link.tls.verify_mode is ssl.CERT_REQUIRED
    assert "ssl" not in link.dsn


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmod=require", "no such parameter as 'sslmod'"),
        ("statement_timeout=soon", "statement_timeout must be a whole number"),
        ("statement_timeout=1; DROP TABLE jobs", "statement_timeout must be a whole number"),
        ("sslmode=always", "sslmode must be one of"),
    ],
)
def test_what_cannot_be_understood_is_named(query: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        read_link(f"postgresql://u:hush@h/d?{query}")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgresql://u:hush@h:port/d", "postgresql://u:hush@[h/d"])
def test_an_address_that_is_none_is_named(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as refused:
        read_link(url)
    assert "hush" not in str(refused.value)


def test_no_password_is_in_its_repr() -> None:
    assert "hush" not in repr(read_link("postgresql://u:hush@h/d"))

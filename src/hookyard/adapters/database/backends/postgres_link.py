"""How to reach a Postgres: the parts of its URL that matter, TLS, and what each session asks for.

A direct session carries its time limits in its start-up packet. Behind a transaction-mode pooler
nothing of a session lasts, so there they are set inside every transaction, in the message that
begins it, and no prepared statement has a name.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from hookyard.kit.errors import ConfigurationError

CONNECT_TIMEOUT_S = 5.0
# why: a server that vanished without a word must not hold a unit for ever; the server's own
# limit ends a slow statement before this one does.
COMMAND_TIMEOUT_S = 40.0
LIMITS = {
    "statement_timeout": "30000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "60000",
}
STATEMENTS_KEPT = 200

_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_PASSED_ON = frozenset(
    {
        "host", "port", "user", "password", "passfile", "database", "dbname", "sslmode", "sslcert",
        "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation",
        "ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs",
        "krbsrvname", "gsslib", "options",
    }
)  # fmt: skip
_READ = frozenset({*LIMITS, "application_name", "connect_timeout", "pgbouncer"})
# What other programs read out of the same URL and the driver would take for a server setting.
_IGNORED = frozenset(
    {
        "schema", "channel_binding", "gssencmode", "keepalives", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout", "connection_limit",
        "pool_timeout", "sslcompression", "client_encoding", "fallback_application_name",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """One way to one database. The DSN holds the password, so it is kept out of reprs."""

    dsn: str = field(repr=False)
    limits: dict[str, str]
    application: str
    connect_timeout_s: float
    pooled: bool
    tls: ssl.SSLContext | None = None

    @property
    def server_settings(self) -> dict[str, str]:
        """What the start-up packet carries; poolers refuse settings they do not know."""
        name = {"application_name": self.application}
        return name if self.pooled else name | self.limits

    @property
    def statements_kept(self) -> int:
        """Prepared statements a session keeps under a name."""
        return 0 if self.pooled else STATEMENTS_KEPT

    def begin(self, mode: str) -> str:
        """The message that begins a transaction, in one round trip."""
        if not self.pooled:
            return mode
        return "; ".join(
            [mode, *(f"SET LOCAL {name} = {limit}" for name, limit in self.limits.items())]
        )


def read_link(url: str, *, pooled: bool = False, name: str = "DATABASE_URL") -> Link:
    """A URL as people write it → what the driver needs; ConfigurationError names `name`.

    `postgres://`, `postgresql://`, `postgresql+asyncpg://`; `ssl` is another name of `sslmode`;
    `pgbouncer=true` says that a transaction-mode pooler stands between.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"{name}: the host or port in it cannot be read") from None
    given = {"sslmode" if key == "ssl" else key: value for key, value in parse_qsl(parts.query)}
    _check(given, name)
    limits = {key: _milliseconds(name, key, given.get(key, limit)) for key, limit in LIMITS.items()}
    tls = None
    if given.get("sslrootcert") == "system":
        # spec: libpq, sslrootcert=system: the roots of the system, and verify-full.
        tls = ssl.create_default_context()
        given = {key: value for key, value in given.items() if not key.startswith("ssl")}
    passed = urlencode([(key, value) for key, value in given.items() if key in _PASSED_ON])
    return Link(
        dsn=urlunsplit(("postgresql", parts.netloc, parts.path, passed, "")),
        limits=limits,
        application=given.get("application_name", "hookyard"),
        connect_timeout_s=_seconds(name, given.get("connect_timeout")),
        pooled=pooled or given.get("pgbouncer", "").lower() in {"true", "1", "yes", "on"},
        tls=tls,
    )


def _check(given: Mapping[str, str], name: str) -> None:
    for key in given:
        if key not in _PASSED_ON | _READ | _IGNORED:
            raise ConfigurationError(f"{name}: there is no such parameter as {key!r}")
    if given.get("sslmode", "prefer") not in _MODES:
        raise ConfigurationError(f"{name}: sslmode must be one of {', '.join(_MODES)}")


def _seconds(name: str, value: str | None) -> float:
    if value is None:
        return CONNECT_TIMEOUT_S
    return max(1.0, float(_whole(name, "connect_timeout", value)))


def _whole(name: str, key: str, value: str) -> int:
    if not value.isdigit():
        raise ConfigurationError(f"{name}: {key} must be a whole number")
    return int(value)


def _milliseconds(name: str, key: str, value: str) -> str:
    """`30000`, `30000ms` or `30s`; 0 is no limit."""
    for unit, factor in (("ms", 1), ("s", 1_000), ("min", 60_000)):
        if value.endswith(unit):
            return str(_whole(name, key, value.removesuffix(unit).strip()) * factor)
    return str(_whole(name, key, value))

"""What stands between tenants on Postgres, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Walled:
    """A table with a wall. `is_ours`: the login owns it, or has all rights of who does;
    `is_the_roles` says the same of the role. `other_policy`: one that lets more rows through, ""
    for none. `lacking`: what the role may not do, as `INSERT, SELECT`."""

    name: str
    owner: str
    is_ours: bool
    is_the_roles: bool
    is_enabled: bool
    is_forced: bool
    must_be_forced: bool
    has_policy: bool
    other_policy: str
    lacking: str


@dataclass(frozen=True, slots=True)
class Login:
    """A role of Postgres and what it passes by. `may_be_taken`: the server's login may SET ROLE
    to it."""

    name: str
    is_superuser: bool
    bypasses: bool
    logs_in: bool = True
    may_be_taken: bool = True


@dataclass(frozen=True, slots=True)
class Walls:
    """The login of DATABASE_URL, the role of confined units where it is there, the tables with
    walls, and how many of all tables the login may not read and write."""

    login: Login
    role: Login | None
    tables: tuple[Walled, ...]
    closed: int

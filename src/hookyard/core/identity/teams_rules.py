"""Rules that give people roles: by team, by organisation, by name. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hookyard.core.identity.model import Grant
from hookyard.core.identity.users import Identity


@dataclass(frozen=True, slots=True)
class Circle:
    """A set of people GitHub knows: a team, or with `team` "" a whole organisation.

    Names are lower case. Whether those who are only in a child team count is said, never assumed.
    """

    org: str
    team: str = ""
    include_children: bool = False

    @property
    def place(self) -> str:
        """How grants name it: `acme/platform`, or `acme` for all of an organisation."""
        return f"{self.org}/{self.team}" if self.team else self.org

    def __str__(self) -> str:
        return f"team {self.place}" if self.team else f"members of {self.org}"


@dataclass(frozen=True, slots=True)
class Named:
    """One person by name: `login` and `id` are GitHub's, `subject` is an OIDC issuer's `sub`.

    # why: a login may be given up and taken by somebody else; a number never is.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return self.value if self.kind == "login" else f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever is in the circle, or is named, holds the grant."""

    grant: Grant
    circle: Circle | None = None
    people: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Issuers:
    """Whose word counts for which names; "" where there is no such provider."""

    github: str
    oidc: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is in a circle, by GitHub's numbers; None with a reason when that is not known."""

    members: frozenset[int] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Missed:
    """A rule that gives nothing now, and why."""

    rule: str
    reason: str


def read_name(text: str) -> Named:
    """`alice`, `id:583231` or `oidc:SUBJECT`; ValueError for anything else."""
    kind, colon, value = text.strip().partition(":")
    if not colon:
        kind, value = "login", kind
    if kind == "login" and is_login(value):
        return Named("login", value.lower())
    if kind == "id" and value.isascii() and value.isdigit() and len(value) < 19:
        return Named("id", value)
    if kind == "oidc" and 0 < len(value) <= 255 and value.isprintable():
        return Named("oidc", value)
    raise ValueError("must be a GitHub login, id:NUMBER, or oidc:SUBJECT")


def is_login(text: str) -> bool:
    """Whether a text can be a login or the name of an organisation or team."""
    return 0 < len(text) <= 100 and text.isascii() and all(c.isalnum() or c in "-_." for c in text)


def is_named(person: Named, identity: Identity, issuers: Issuers) -> bool:
    """Whether a name is this person's, by the provider whose names it is of."""
    if person.kind == "oidc":
        return bool(issuers.oidc) and (identity.issuer, identity.subject) == (
            issuers.oidc,
            person.value,
        )
    if identity.issuer != issuers.github:
        return False
    have = identity.login.lower() if person.kind == "login" else identity.subject
    return have == person.value


def circles_of(rules: tuple[Rule, ...], identity: Identity, issuers: Issuers) -> set[Circle]:
    """The circles that must be known to decide on somebody: GitHub's people only."""
    if identity.issuer != issuers.github:
        return set()
    return {rule.circle for rule in rules if rule.circle is not None}


def grants_by(
    rules: tuple[Rule, ...],
    identity: Identity,
    issuers: Issuers,
    known: Mapping[Circle, Membership],
) -> tuple[list[Grant], list[Missed]]:
    """What the rules give somebody, with the rule as its source, and which rules could not be
    decided. Unknown is no."""
    held: list[Grant] = []
    missed: list[Missed] = []
    for rule in rules:
        if rule.circle is None:
            named = next((p for p in rule.people if is_named(p, identity, issuers)), None)
            if named is not None:
                held.append(replace(rule.grant, source=f"config {named}"))
            continue
        if identity.issuer != issuers.github:
            continue
        membership = known.get(rule.circle, Membership(None, "it was not looked up"))
        if membership.members is None:
            missed.append(Missed(str(rule.circle), membership.reason))
        elif _number(identity.subject) in membership.members:
            held.append(replace(rule.grant, source=f"team {rule.circle.place}"))
    return held, missed


def _number(subject: str) -> int | None:
    """GitHub's number of a person, from the subject kept; None for any other spelling of it."""
    plain = subject.isascii() and subject.isdigit() and len(subject) < 19
    return int(subject) if plain and str(int(subject)) == subject else None

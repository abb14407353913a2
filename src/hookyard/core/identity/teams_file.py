"""Reads the rules that give people roles: `HOOKYARD_TEAMS_FILE` and `HOOKYARD_ADMINS`.

```yaml
rules:
  - team: acme/platform
    include_children: true
    role: maintainer
    scope: org:acme
  - members_of: acme
    role: viewer
  - people: [alice, id:583231, oidc:0oa1b2]
    role: operator
    scope: repo:acme/shop
```
"""

from collections.abc import Callable, Iterable
from typing import NoReturn

import yaml

from hookyard.core.identity.model import Grant, Role, Scope, ScopeKind
from hookyard.core.identity.teams_rules import Circle, Named, Rule, is_login, read_name
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text

MAX_BYTES = 256 * 1024
MAX_RULES = 500
_NAMES = "HOOKYARD_TEAMS_FILE"
_KEYS = {
    "team": frozenset({"team", "include_children", "role", "scope"}),
    "members_of": frozenset({"members_of", "role", "scope"}),
    "people": frozenset({"people", "role", "scope"}),
}


def read_admins(names: Iterable[str]) -> tuple[Rule, ...]:
    """`HOOKYARD_ADMINS`: those people are admins of everything."""
    try:
        people = tuple(read_name(name) for name in names)
    except ValueError as error:
        raise ConfigurationError(f"HOOKYARD_ADMINS: {error}, comma-separated") from None
    return (Rule(Grant(Role.ADMIN), people=people),) if people else ()


def read_rules(text: str) -> tuple[Rule, ...]:
    """The rules of a file; ConfigurationError names the rule that is wrong and how to mend it."""
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"{_NAMES}: larger than {MAX_BYTES // 1024} KiB")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ConfigurationError(f"{_NAMES}: aliases are not accepted")
        tree: Json = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{_NAMES}{where}: not valid YAML") from None
    entries = as_object(tree).get("rules")
    if not isinstance(tree, dict) or set(tree) != {"rules"} or not isinstance(entries, list):
        raise ConfigurationError(f"{_NAMES}: expected one list named `rules`")
    if len(entries) > MAX_RULES:
        raise ConfigurationError(f"{_NAMES}: more than {MAX_RULES} rules")
    return tuple(_rule(as_object(entry), n) for n, entry in enumerate(entries, 1))


def _rule(entry: JsonObject, number: int) -> Rule:
    def wrong(reason: str) -> NoReturn:
        raise ConfigurationError(f"{_NAMES}, rule {number}: {reason}")

    kinds = [kind for kind in _KEYS if kind in entry]
    if len(kinds) != 1:
        wrong("needs exactly one of team, members_of and people")
    kind = kinds[0]
    unknown = sorted(map(str, set(entry) - _KEYS[kind]))
    if unknown:
        wrong(f"no such key {unknown[0][:60]!r}; known are {', '.join(sorted(_KEYS[kind]))}")
    circle = None if kind == "people" else _circle(entry, kind, wrong)
    people = _people(entry, wrong) if kind == "people" else ()
    return Rule(_grant(entry, circle, wrong), circle, people)


def _circle(entry: JsonObject, kind: str, wrong: Callable[[str], NoReturn]) -> Circle:
    if kind == "members_of":
        org = as_text(entry.get("members_of")).lower()
        if not is_login(org):
            wrong("members_of must name an organisation")
        return Circle(org)
    org, slash, slug = as_text(entry.get("team")).lower().partition("/")
    if not slash or not is_login(org) or not is_login(slug):
        wrong("team must look like organisation/team-slug")
    children = entry.get("include_children")
    if not isinstance(children, bool):
        # why: GitHub's list of a team holds the members of its child teams, which surprises.
        wrong("include_children must be true or false: do members of child teams count?")
    return Circle(org, slug, children)


def _people(entry: JsonObject, wrong: Callable[[str], NoReturn]) -> tuple[Named, ...]:
    names = as_list(entry.get("people"))
    if not names or not all(isinstance(name, str) for name in names):
        wrong("people must be a list of names; put numbers in quotes")
    try:
        return tuple(read_name(as_text(name)) for name in names)
    except ValueError as error:
        wrong(f"a name in people {error}")


def _grant(entry: JsonObject, circle: Circle | None, wrong: Callable[[str], NoReturn]) -> Grant:
    roles = [role.value for role in Role]
    role = as_text(entry.get("role"))
    if role not in roles:
        wrong(f"role must be one of {', '.join(roles)}")
    text = entry.get("scope")
    if text is None and circle is not None:
        return Grant(Role(role), Scope.of_org(circle.org))
    kind, _, name = as_text(text).lower().partition(":")
    owner, slash, rest = name.partition("/")
    if kind == "tenant" and not name:
        return Grant(Role(role), Scope())
    if kind == "org" and is_login(owner) and not slash:
        return Grant(Role(role), Scope(ScopeKind.ORG, owner))
    if kind == "repo" and is_login(owner) and is_login(rest):
        return Grant(Role(role), Scope(ScopeKind.REPOSITORY, name))
    return wrong("scope must be tenant, org:OWNER or repo:OWNER/NAME")

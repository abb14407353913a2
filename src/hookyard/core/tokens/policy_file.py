"""The mint policy as YAML: read strictly, every mistake with its line; pure."""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import TypeAlias, TypeVar

from hookyard.core.repositories.yamltree import MAX_BYTES, Located, Unreadable, read_yaml
from hookyard.core.tokens.model import LEVELS
from hookyard.core.tokens.patterns import BadPattern, checked
from hookyard.core.tokens.policy import Policy, Rule, Whom

__all__ = ["MAX_BYTES", "BadPolicy", "read_policy"]

MAX_RULES = 500
KINDS = ("admin_key", "api_key", "service", "user", "workload")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_WORD = re.compile(r"[A-Za-z0-9_.:/-]{1,100}")
_RULE = frozenset(
    {"name", "who", "installations", "owners", "repositories", "permissions", "mints_per_hour"}
)
_WHOM = frozenset({"kind", "id", "name", "claims"})

Keys: TypeAlias = dict[str, tuple[int, Located]]
T = TypeVar("T")


class BadPolicy(Exception):
    """A policy that cannot be used: the line, and why."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}")


def read_policy(raw: bytes) -> Policy:
    """The policy in a file; BadPolicy for one that is wrong anywhere. Nothing is half applied."""
    try:
        tree = read_yaml(raw)
    except Unreadable as error:
        raise BadPolicy(error.line, error.reason) from None
    keys = _object(tree, "the file", frozenset({"version", "rules"}))
    if _text(keys, "version", tree.line) != "1":
        raise BadPolicy(tree.line, "the file begins with `version: 1`")
    line, node = _needed(keys, "rules", tree.line)
    entries = _list(node, "rules", may_be_empty=True)
    if len(entries) > MAX_RULES:
        raise BadPolicy(line, f"there are more than {MAX_RULES} rules")
    rules = [_rule(entry) for entry in entries]
    names = [rule.name for rule in rules]
    for n, entry in enumerate(entries):
        if names[n] in names[:n]:
            raise BadPolicy(entry.line, f"the rule {names[n]} is there twice")
    return Policy(tuple(rules), sha256(raw).hexdigest()[:16])


def _rule(node: Located) -> Rule:
    keys = _object(node, "a rule", _RULE)
    name = _text(keys, "name", node.line)
    if not _NAME.fullmatch(name):
        raise BadPolicy(node.line, "a rule's name has lower-case letters, digits, `.`, `_`, `-`")
    _, who = _needed(keys, "who", node.line)
    installations = frozenset(_each(keys, "installations", _number))
    owners = tuple(owner.lower() for owner in _each(keys, "owners", _owner))
    repositories = None
    if "repositories" in keys:
        repositories = tuple(r.lower() for r in _each(keys, "repositories", _repository))
    if not installations and not owners and not repositories:
        raise BadPolicy(
            node.line, "a rule names `installations`, `owners` or `repositories`; none is everyone"
        )
    return Rule(
        name=name,
        whom=tuple(_whom(entry) for entry in _list(who, "who")),
        installations=installations,
        owners=owners,
        repositories=repositories,
        permissions=_permissions(keys, node.line),
        mints_per_hour=_quota(keys),
    )


def _whom(node: Located) -> Whom:
    keys = _object(node, "an entry of `who`", _WHOM)
    kind = _text(keys, "kind", node.line)
    if kind not in KINDS:
        raise BadPolicy(node.line, f"kind is one of {', '.join(KINDS)}")
    claims = {}
    if "claims" in keys:
        for claim, (line, value) in _object(keys["claims"][1], "claims", None).items():
            if not _WORD.fullmatch(claim):
                raise BadPolicy(line, "a claim's name has letters, digits and `_.:/-`")
            found = value.value if isinstance(value.value, list) else [value]
            claims[claim] = tuple(_pattern(item) for item in found)
            if not claims[claim]:
                raise BadPolicy(line, f"the claim {claim} needs a value")
    if kind == "workload" and not {"iss", "sub", "repository"} & claims.keys():
        raise BadPolicy(node.line, "a workload is named by claims: `iss`, `sub` or `repository`")
    return Whom(kind, _maybe(keys, "id"), _maybe(keys, "name"), claims)


def _permissions(keys: Keys, line: int) -> dict[str, str]:
    line, node = _needed(keys, "permissions", line)
    found: dict[str, str] = {}
    for name, (at, value) in _object(node, "permissions", None).items():
        access = value.value
        if not isinstance(access, str) or access not in LEVELS:
            raise BadPolicy(at, f"{name} is read, write or admin")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
            raise BadPolicy(at, "a permission's name has lower-case letters, digits and `_`")
        found[name] = access
    if not found:
        raise BadPolicy(line, "a rule gives at least one permission")
    return found


def _quota(keys: Keys) -> int | None:
    if "mints_per_hour" not in keys:
        return None
    line, node = keys["mints_per_hour"]
    if (
        not isinstance(node.value, int)
        or isinstance(node.value, bool)
        or not (1 <= node.value <= 1_000_000)
    ):
        raise BadPolicy(line, "mints_per_hour is a whole number above 0")
    return node.value


def _object(node: Located, what: str, known: frozenset[str] | None) -> Keys:
    if not isinstance(node.value, dict):
        raise BadPolicy(node.line, f"{what} must be names with values")
    for name, (line, _) in node.value.items():
        if known is not None and name not in known:
            raise BadPolicy(
                line, f"no such key {name[:60]!r}; known are {', '.join(sorted(known))}"
            )
    return node.value


def _list(node: Located, what: str, *, may_be_empty: bool = False) -> list[Located]:
    if not isinstance(node.value, list) or not (node.value or may_be_empty):
        raise BadPolicy(node.line, f"{what} must be a list with at least one entry")
    return node.value


def _each(keys: Keys, name: str, read: Callable[[Located], T]) -> list[T]:
    if name not in keys:
        return []
    return [read(item) for item in _list(keys[name][1], name)]


def _needed(keys: Keys, name: str, line: int) -> tuple[int, Located]:
    if name not in keys:
        raise BadPolicy(line, f"`{name}` is missing")
    return keys[name]


def _text(keys: Keys, name: str, line: int) -> str:
    value = _needed(keys, name, line)[1].value
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _maybe(keys: Keys, name: str) -> str | None:
    return _pattern(keys[name][1]) if name in keys else None


def _pattern(node: Located) -> str:
    value = node.value
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        raise BadPolicy(node.line, "a value to compare with is text")
    try:
        return checked(value)
    except BadPattern as error:
        raise BadPolicy(node.line, str(error)) from None


def _number(node: Located) -> int:
    if not isinstance(node.value, int) or isinstance(node.value, bool) or node.value < 1:
        raise BadPolicy(node.line, "installations are numbers")
    return node.value


def _owner(node: Located) -> str:
    found = _pattern(node)
    if "/" in found:
        raise BadPolicy(node.line, "an owner has no slash; `repositories` takes owner/name")
    return found


def _repository(node: Located) -> str:
    found = _pattern(node)
    owner, slash, name = found.partition("/")
    if not slash or not owner or not name or "/" in name:
        raise BadPolicy(node.line, "a repository is owner/name")
    if "*" in owner:
        raise BadPolicy(node.line, "a repository's owner is written out")
    return found

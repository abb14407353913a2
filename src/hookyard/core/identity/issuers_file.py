"""Trusted issuers from settings and the issuers file. What is unclear there stops the start."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

import yaml

from hookyard.adapters.oidc.keys import BadKey, pin_jwk, pin_pem, pin_secret
from hookyard.adapters.oidc.port import MAX_TRIES, SYMMETRIC, Keys, PinnedKey
from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.issuers import (
    EVERYTHING,
    GITHUB_ACTIONS,
    ClaimNames,
    Issuer,
    ServiceTerms,
    WorkloadRule,
    WorkloadTerms,
)
from hookyard.core.identity.issuers_entry import FILE, Entry
from hookyard.core.identity.model import DEFAULT_TENANT, Role
from hookyard.core.identity.service_tokens import NAME
from hookyard.core.identity.workloads import CONDITIONS, OWNERS, SAFE_EVENTS
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.globs import is_pattern
from hookyard.kit.json import Json, as_list, as_object

MAX_BYTES = 1_000_000
MAX_ISSUERS = 50
MAX_RULES = 200
MAX_SERVICES = 200
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_COMMON = frozenset(
    {"id", "kind", "issuer", "audience", "algorithms", "max_lifetime_s", "jwks_uri"}
    | {"calls_per_second", "calls_at_once"}
)
_SERVICE = _COMMON | {"keys", "secrets_env", "roles", "tenants", "scope", "claims", "services"}
_WORKLOAD = _COMMON | {"tenant", "rules"}


@dataclass(frozen=True, slots=True)
class PlainTrust:
    """What plain settings say of service tokens: JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    issuer: str | None = None
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileContext:
    """What the file may lean on: the environment, our own address, and a way to read key files."""

    environ: Mapping[str, str]
    public_url: str | None
    read: Callable[[str], str]


def load_issuers(plain: PlainTrust, text: str | None, context: FileContext) -> tuple[Issuer, ...]:
    """Every trusted issuer; ConfigurationError names what is wrong and how to mend it."""
    found = list(_from_settings(plain))
    if text is not None:
        found += _from_file(text, context)
    crowded = next((issuer.id for issuer in found if len(issuer.pinned) > MAX_TRIES), None)
    if crowded is not None:
        raise ConfigurationError(f"issuer {crowded!r} has over {MAX_TRIES} secrets or keys")
    ids: list[str | None] = [issuer.id for issuer in found]
    for name, values in (("id", ids), ("issuer", [issuer.issuer for issuer in found])):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise ConfigurationError(f"{FILE}: the {name} {twice!r} is configured twice")
    return tuple(found)


def _from_settings(plain: PlainTrust) -> tuple[Issuer, ...]:
    """# why: whoever holds the secret is trusted with every role, in whatever tenant it names."""
    if not plain.secrets:
        if plain.issuer or plain.audiences:
            raise ConfigurationError("JWT_SECRET is missing: JWT_ISSUER and JWT_AUDIENCE need it")
        return ()
    try:
        pinned = tuple(pin_secret(secret) for secret in plain.secrets)
    except BadKey as error:
        raise ConfigurationError(
            f"JWT_SECRET: {error}; make one with `openssl rand -hex 32`"
        ) from None
    terms = ServiceTerms(frozenset(Role), tenants=None)
    return (Issuer("jwt", plain.issuer, plain.audiences, frozenset({"HS256"}), terms, pinned),)


def _from_file(text: str, context: FileContext) -> list[Issuer]:
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"{FILE}: larger than 1 MB")
    try:
        tree: Json = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{FILE}{where}: not valid YAML") from None
    root = as_object(tree)
    entries = as_list(root.get("issuers"))
    if not 0 < len(entries) <= MAX_ISSUERS or set(root) != {"issuers"}:
        raise ConfigurationError(
            f"{FILE}: expected a list named `issuers`, of {MAX_ISSUERS} at most"
        )
    return [_issuer(n, as_object(entry), context) for n, entry in enumerate(entries, 1)]


def _issuer(number: int, tree: Mapping[str, Json], context: FileContext) -> Issuer:
    entry = Entry(f"issuer {number}", tree)
    name = entry.text("id")
    if _ID.fullmatch(name) is None or name == "jwt":
        raise entry.wrong("id must be lower-case letters, digits and dashes, and not `jwt`")
    entry = Entry(f"issuer {number} ({name})", tree)
    kind = entry.text("kind")
    if kind == "github-actions":
        return _workloads(name, entry, context)
    if kind == "service":
        return _services(name, entry, context)
    raise entry.wrong("kind must be `service` or `github-actions`")


def _audiences(entry: Entry, context: FileContext) -> tuple[str, ...]:
    own = (context.public_url,) if context.public_url else ()
    found = entry.texts("audience", own)
    if not found:
        raise entry.wrong("audience is missing: name it, or set HOOKYARD_PUBLIC_URL")
    return found


def _web(entry: Entry, name: str, default: str = "") -> str:
    text = entry.text(name, default)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.query
    except ValueError:
        sound = False
    if not sound:
        raise entry.wrong(f"{name} must be an address, as https://issuer.example")
    return text


def _services(name: str, entry: Entry, context: FileContext) -> Issuer:
    entry.only(_SERVICE)
    algorithms = entry.algorithms()
    pinned = _pinned(entry, algorithms, context)
    fetches = not pinned
    issuer = _web(entry, "issuer") if fetches else entry.text("issuer")
    if not issuer:
        raise entry.wrong("issuer is missing: it is compared with the token's iss, whole")
    tenants = frozenset(entry.tenant(t) for t in entry.texts("tenants", (DEFAULT_TENANT,)))
    terms = ServiceTerms(
        entry.roles("roles"),
        tenants,
        entry.scope() or EVERYTHING,
        _claim_names(entry),
        _named(entry),
        entry.rate(),
    )
    return Issuer(
        name,
        issuer,
        _audiences(entry, context),
        algorithms,
        terms,
        pinned,
        _jwks_uri(entry, fetches=fetches),
        entry.lifetime_s(),
    )


def _named(entry: Entry) -> Mapping[str, CallRate | None]:
    """The services that have budgets of their own, by the name their tokens give."""
    given = entry.tree.get("services")
    listed = as_object(given)
    if given is not None and not 0 < len(listed) <= MAX_SERVICES:
        raise entry.wrong(f"services must name 1 to {MAX_SERVICES} services, each with its limits")
    found: dict[str, CallRate | None] = {}
    for name, limits in listed.items():
        own = Entry(f"{entry.where}, service {name}", as_object(limits))
        if not isinstance(name, str) or NAME.fullmatch(name) is None:
            raise own.wrong("this is no name of a service; put numbers in quotes")
        if limits is not None and not isinstance(limits, dict):
            raise own.wrong("say its limits, as {calls_per_second: 5}")
        own.only(("calls_per_second", "calls_at_once"))
        found[name] = own.rate()
    return MappingProxyType(found)


def _jwks_uri(entry: Entry, *, fetches: bool) -> str | None:
    if entry.tree.get("jwks_uri") is None:
        return None
    if not fetches:
        raise entry.wrong("jwks_uri and keys exclude each other")
    return _web(entry, "jwks_uri")


def _claim_names(entry: Entry) -> ClaimNames:
    names = Entry(f"{entry.where}, claims", as_object(entry.tree.get("claims")))
    usual = ClaimNames()
    names.only(ClaimNames.__slots__)
    return ClaimNames(*(names.text(name, getattr(usual, name)) for name in ClaimNames.__slots__))


def _pinned(entry: Entry, algorithms: frozenset[str], context: FileContext) -> Keys:
    """Keys that stand in the file, or secrets that it names; () when they are to be fetched."""
    variables = entry.texts("secrets_env")
    is_symmetric = bool(algorithms & SYMMETRIC)
    if is_symmetric != bool(variables) or (is_symmetric and algorithms - SYMMETRIC):
        raise entry.wrong("HS256 and the like need secrets_env, and nothing else may have it")
    keys = as_list(entry.tree.get("keys"))
    if entry.tree.get("keys") is not None and (not keys or variables):
        raise entry.wrong("keys must be a list of public keys, and excludes secrets_env")
    try:
        if variables:
            return tuple(_secret(entry, name, algorithms, context) for name in variables)
        return tuple(_key(entry, key, algorithms, context) for key in keys)
    except BadKey as error:
        raise entry.wrong(str(error)) from None


def _secret(
    entry: Entry, variable: str, algorithms: frozenset[str], context: FileContext
) -> PinnedKey:
    value = context.environ.get(variable, "").strip()
    if not value:
        raise entry.wrong(f"secrets_env names {variable}, which is not set")
    return pin_secret(value, algorithms)


def _key(entry: Entry, tree: Json, algorithms: frozenset[str], context: FileContext) -> PinnedKey:
    key = as_object(tree)
    if "kty" in key:
        return pin_jwk(key, algorithms)
    given = Entry(f"{entry.where}, keys", key)
    given.only(("pem", "pem_file", "kid"))
    kid = given.text("kid") or None
    pem = key.get("pem")
    if isinstance(pem, str):
        return pin_pem(pem, algorithms, kid)
    path = given.text("pem_file")
    if not path:
        raise entry.wrong("a key is {pem: …}, {pem_file: …} or a JWK")
    try:
        return pin_pem(context.read(path), algorithms, kid)
    except (OSError, UnicodeDecodeError) as error:
        raise entry.wrong(f"cannot read {path}: {type(error).__name__}") from None


def _workloads(name: str, entry: Entry, context: FileContext) -> Issuer:
    entry.only(_WORKLOAD)
    tenant = entry.tenant(entry.text("tenant", DEFAULT_TENANT))
    rules = as_list(entry.tree.get("rules"))
    if not 0 < len(rules) <= MAX_RULES:
        raise entry.wrong(f"rules must be a list of 1 to {MAX_RULES}: what none fits is refused")
    algorithms = entry.algorithms(("RS256",))
    if algorithms & SYMMETRIC:
        raise entry.wrong("workloads sign with public keys, never with a shared secret")
    return Issuer(
        name,
        _web(entry, "issuer", GITHUB_ACTIONS),
        _audiences(entry, context),
        algorithms,
        WorkloadTerms(
            tuple(
                _rule(Entry(f"{entry.where}, rule {n}", as_object(rule)), tenant)
                for n, rule in enumerate(rules, 1)
            ),
            tenant,
            entry.rate(),
        ),
        jwks_uri=_jwks_uri(entry, fetches=True),
        max_lifetime_s=entry.lifetime_s(),
    )


def _rule(entry: Entry, tenant: str) -> WorkloadRule:
    entry.only(CONDITIONS | {"name", "role", "scope"})
    name = entry.text("name")
    if _ID.fullmatch(name) is None:
        raise entry.wrong("name must be lower-case letters, digits and dashes")
    asked = {claim: entry.texts(claim) for claim in sorted(CONDITIONS) if claim in entry.tree}
    for claim, patterns in asked.items():
        if not all(is_pattern(pattern) for pattern in patterns):
            raise entry.wrong(f"{claim}: `*` stands for a part between slashes; `**` is unknown")
    if not any(_names_owner(claim, asked.get(claim, ())) for claim in OWNERS):
        raise entry.wrong(
            "say whose workloads: repository_id, repository, repository_owner_id or "
            "repository_owner, whose owner has no `*`"
        )
    asked.setdefault("event_name", SAFE_EVENTS)
    return WorkloadRule(name, tuple(asked.items()), entry.role("role"), entry.scope(tenant))


def _names_owner(claim: str, patterns: tuple[str, ...]) -> bool:
    """Whether every pattern pins the owner, so that no stranger's repository can fit."""
    if claim == "repository":
        return bool(patterns) and all("/" in p and "*" not in p.split("/")[0] for p in patterns)
    return bool(patterns) and not any("*" in pattern for pattern in patterns)

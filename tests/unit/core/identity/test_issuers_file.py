"""The issuers file and the plain settings: what is unclear stops the start, with one line."""

import pytest

from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.issuers import GITHUB_ACTIONS, Issuer, ServiceTerms, WorkloadTerms
from hookyard.core.identity.issuers_file import FileContext, PlainTrust, load_issuers
from hookyard.core.identity.model import Role, Scope, ScopeKind
from hookyard.core.identity.workloads import SAFE_EVENTS
from hookyard.kit.errors import ConfigurationError
from tests.support.tokens import ec_key, public_pem, rsa_key

SECRET = "planted-hs-secret-0123456789abcdefghij"
URL = "https://hookyard.example"
PEM = public_pem(rsa_key())
SERVICE = """
  - id: ci
    kind: service
    issuer: https://ci.example
    algorithms: [RS256]
    roles: [viewer]
"""
ACTIONS = """
  - id: gha
    kind: github-actions
    rules:
      - {name: up, role: ingest, repository_id: "1001"}
"""


def read(path: str) -> str:
    if path == "key.pem":
        return PEM
    raise FileNotFoundError(path)


def load(text: str | None = None, plain: PlainTrust | None = None) -> tuple[Issuer, ...]:
    whole = None if text is None else f"issuers:{text}"
    context = FileContext({"HS": SECRET, "SHORT": "planted"}, URL, read)
    return load_issuers(plain or PlainTrust(), whole, context)


def wrong(text: str | None = None, plain: PlainTrust | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(text, plain)
    assert "planted" not in str(caught.value)
    return str(caught.value)


def test_nothing_configured_trusts_nobody() -> None:
    assert load() == ()


def test_plain_settings_make_one_issuer() -> None:
    (issuer,) = load(plain=PlainTrust((SECRET, SECRET + "2"), "https://i", ("a", "b")))
    assert (issuer.id, issuer.issuer, issuer.audiences) == ("jwt", "https://i", ("a", "b"))
    assert issuer.algorithms == {"HS256"}
    assert len(issuer.pinned) == 2
    assert SECRET not in repr(issuer)


@pytest.mark.parametrize(
    "plain",
    [
        PlainTrust(("planted-too-short",)),
        PlainTrust((SECRET, "planted-too-short")),
        PlainTrust((PEM,)),
        PlainTrust((), "https://i"),
        PlainTrust((), None, ("a",)),
    ],
)
def test_a_weak_or_missing_secret_stops_the_start(plain: PlainTrust) -> None:
    assert "JWT_SECRET" in wrong(plain=plain)


def test_a_service_is_read_whole() -> None:
    (issuer,) = load(
        SERVICE
        + """
    jwks_uri: https://ci.example/keys
    audience: [one, two]
    tenants: [blue]
    scope: org:acme
    claims: {roles: groups}
    max_lifetime_s: 900
"""
    )
    terms = issuer.terms
    assert isinstance(terms, ServiceTerms)
    assert (issuer.jwks_uri, issuer.audiences) == ("https://ci.example/keys", ("one", "two"))
    assert (terms.roles, terms.tenants) == ({Role.VIEWER}, {"blue"})
    assert terms.scope == Scope(ScopeKind.ORG, "acme")
    assert (terms.names.roles, terms.names.service) == ("groups", "service")
    assert issuer.max_lifetime_s == 900


def test_limits_of_calls_are_read_by_issuer_and_by_service() -> None:
    (issuer,) = load(
        SERVICE
        + """
    calls_per_second: 50
    services:
      deployer: {calls_per_second: 2.5, calls_at_once: 7}
      quick: {calls_per_second: 0}
      apart:
"""
    )
    assert isinstance(issuer.terms, ServiceTerms)
    assert issuer.terms.calls == CallRate(50, 500)
    assert dict(issuer.terms.named) == {
        "deployer": CallRate(2.5, 7), "quick": CallRate(0, 1), "apart": None,
    }  # fmt: skip
    (actions,) = load(ACTIONS + "    calls_per_second: 0.01\n")
    assert isinstance(actions.terms, WorkloadTerms)
    assert actions.terms.calls == CallRate(0.01, 1)


def test_our_own_address_is_the_audience_unless_one_is_named() -> None:
    assert load(SERVICE)[0].audiences == (URL,)
    with pytest.raises(ConfigurationError, match="HOOKYARD_PUBLIC_URL"):
        load_issuers(PlainTrust(), f"issuers:{SERVICE}", FileContext({}, None, read))


def test_keys_may_stand_in_the_file() -> None:
    indented = PEM.replace("\n", "\n          ")
    (issuer,) = load(
        f"{SERVICE}    keys:\n      - kid: one\n        pem: |\n          {indented}\n"
        "      - {pem_file: key.pem}\n"
    )
    assert [pinned.kid for pinned in issuer.pinned] == ["one", None]
    hs = SERVICE.replace("RS256", "HS256")
    assert load(f"{hs}    secrets_env: [HS]\n")[0].pinned[0].algorithms == {"HS256"}


def test_a_rule_without_events_gets_the_safe_ones() -> None:
    (issuer,) = load(ACTIONS)
    assert isinstance(issuer.terms, WorkloadTerms)
    (rule,) = issuer.terms.rules
    assert issuer.issuer == GITHUB_ACTIONS
    assert dict(rule.conditions) == {"event_name": SAFE_EVENTS, "repository_id": ("1001",)}
    (named,) = load(ACTIONS.replace("role:", "event_name: [push, fork], role:"))
    assert isinstance(named.terms, WorkloadTerms)
    assert dict(named.terms.rules[0].conditions)["event_name"] == ("push", "fork")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: service", "kind: other"),
        ("id: ci", "id: CI"),
        ("id: ci", "id: jwt"),
        ("id: ci", "id: 7"),
        ("issuer: https://ci.example", "issuer: ci.example"),
        ("issuer: https://ci.example", "issuer: file:///etc/passwd"),
        ("[RS256]", "[none]"),
        ("[RS256]", "[]"),
        ("[RS256]", "[RS256, HS256]"),
        ("[RS256]", "[HS256]"),
        ("roles: [viewer]", "roles: []"),
        ("roles: [viewer]", "roles: [root]"),
        ("roles: [viewer]", "rolls: [viewer]"),
        ("roles: [viewer]", "roles: [viewer]\n    secrets_env: [HS]"),
        ("roles: [viewer]", "roles: [viewer]\n    keys: []"),
        ("roles: [viewer]", "roles: [viewer]\n    keys: [{pem_file: missing.pem}]"),
        ("roles: [viewer]", "roles: [viewer]\n    keys: [{pem: x}]"),
        ("roles: [viewer]", "roles: [viewer]\n    keys: [{}]"),
        ("roles: [viewer]", "roles: [viewer]\n    keys: [{kty: oct, k: cGxhbnRlZA}]"),
        (
            "roles: [viewer]",
            "roles: [viewer]\n    keys: [{pem_file: key.pem}]\n    jwks_uri: https://x",
        ),
        ("roles: [viewer]", "roles: [viewer]\n    tenants: [A]"),
        ("roles: [viewer]", "roles: [viewer]\n    scope: org:*"),
        ("roles: [viewer]", "roles: [viewer]\n    max_lifetime_s: 0"),
        ("roles: [viewer]", "roles: [viewer]\n    max_lifetime_s: true"),
        ("roles: [viewer]", "roles: [viewer]\n    claims: {groups: x}"),
        ("roles: [viewer]", "roles: [viewer]\n    audience: []"),
        ("roles: [viewer]", "roles: [viewer]\n    calls_per_second: -1"),
        ("roles: [viewer]", "roles: [viewer]\n    calls_per_second: .nan"),
        ("roles: [viewer]", "roles: [viewer]\n    calls_per_second: .inf"),
        ("roles: [viewer]", "roles: [viewer]\n    calls_per_second: true"),
        ("roles: [viewer]", 'roles: [viewer]\n    calls_per_second: "5"'),
        ("roles: [viewer]", "roles: [viewer]\n    calls_at_once: 5"),
        ("roles: [viewer]", "roles: [viewer]\n    calls_per_second: 1\n    calls_at_once: 0"),
        ("roles: [viewer]", "roles: [viewer]\n    services: []"),
        ("roles: [viewer]", "roles: [viewer]\n    services: {}"),
        ("roles: [viewer]", "roles: [viewer]\n    services: {a: 5}"),
        ("roles: [viewer]", "roles: [viewer]\n    services: {a: {per_second: 5}}"),
        ("roles: [viewer]", "roles: [viewer]\n    services: {a: {calls_at_once: 5}}"),
        ("roles: [viewer]", "roles: [viewer]\n    services: {a b: {calls_per_second: 5}}"),
        ("roles: [viewer]", "roles: [viewer]\n    services: {7: {calls_per_second: 5}}"),
    ],
)
def test_what_is_wrong_with_a_service_stops_the_start(old: str, new: str) -> None:
    assert old in SERVICE
    assert "HOOKYARD_ISSUERS_FILE, issuer 1" in wrong(SERVICE.replace(old, new))


@pytest.mark.parametrize("variable", ["SHORT", "UNSET"])
def test_a_weak_or_missing_secret_of_the_file_stops_the_start(variable: str) -> None:
    hs = SERVICE.replace("RS256", "HS256")
    assert "issuer 1 (ci)" in wrong(f"{hs}    secrets_env: [{variable}]\n")


def test_a_key_of_another_family_stops_the_start() -> None:
    context = FileContext({}, URL, lambda _: public_pem(ec_key()))
    with pytest.raises(ConfigurationError, match="fits none"):
        load_issuers(PlainTrust(), f"issuers:{SERVICE}    keys: [{{pem_file: k}}]\n", context)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('repository_id: "1001"', "repository_id: 1001"),
        ('repository_id: "1001"', "ref: refs/heads/main"),
        ('repository_id: "1001"', 'repository_id: "*"'),
        ('repository_id: "1001"', 'repository: "*/shop"'),
        ('repository_id: "1001"', 'repository: "ac*/shop"'),
        ('repository_id: "1001"', 'repository: ["acme/shop", "*/x"]'),
        ('repository_id: "1001"', 'repository: "acme/**"'),
        ('repository_id: "1001"', 'repository: "acme"'),
        ('repository_id: "1001"', 'repository_owner: "*"'),
        ('repository_id: "1001"', 'repository_id: "1", refs: main'),
        ('repository_id: "1001"', 'repository_id: ""'),
        ("role: ingest", "role: root"),
        ("name: up", 'name: "a b"'),
        ("role: ingest", "role: ingest, scope: everything"),
        ("rules:", "algorithms: [HS256]\n    rules:"),
        ("rules:", "tenant: A\n    rules:"),
    ],
)
def test_what_is_wrong_with_a_rule_stops_the_start(old: str, new: str) -> None:
    assert old in ACTIONS
    assert "issuer 1 (gha)" in wrong(ACTIONS.replace(old, new))


@pytest.mark.parametrize("text", [" []", " 7", " [", "\n  - x", "\n\t- x", "\n  - &a [*a]", " {}"])
def test_what_is_no_list_of_issuers_stops_the_start(text: str) -> None:
    assert "HOOKYARD_ISSUERS_FILE" in wrong(text)


def test_an_issuer_stands_there_once() -> None:
    assert "twice" in wrong(SERVICE + SERVICE)
    assert "twice" in wrong(SERVICE + SERVICE.replace("id: ci", "id: two"))
    assert "twice" in wrong(SERVICE, PlainTrust((SECRET,), "https://ci.example"))

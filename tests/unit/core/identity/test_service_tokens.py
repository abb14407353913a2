"""What a service's token gives: roles by a fixed mapping, and a refusal for everything beyond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.adapters.oidc.port import Claims
from hookyard.core.identity.issuers import ClaimNames, ServiceTerms
from hookyard.core.identity.model import Actor, ActorKind, Grant, Refused, Role, Scope, ScopeKind
from hookyard.core.identity.service_tokens import read_scope, service_actor
from hookyard.kit.json import Json

SHOP = Scope(ScopeKind.REPOSITORY, "acme/shop")
ACME = Scope(ScopeKind.ORG, "acme")
TERMS = ServiceTerms(frozenset({Role.VIEWER, Role.OPERATOR}), scope=ACME)


def claims(**all_: Json) -> Claims:
    subject = all_.get("sub")
    return Claims(
        "https://i", subject if isinstance(subject, str) else "", (), 9, 1, "RS256", None, all_
    )


def code(terms: ServiceTerms = TERMS, **all_: Json) -> str:
    found = service_actor("ci", terms, claims(**all_))
    assert isinstance(found, Refused), found
    return found.code


def actor(terms: ServiceTerms = TERMS, **all_: Json) -> Actor:
    found = service_actor("ci", terms, claims(**all_))
    assert isinstance(found, Actor), found
    return found


def test_roles_and_scopes_become_grants() -> None:
    found = actor(sub="bot", roles=["viewer", "operator", "viewer"], scopes=["repo:acme/shop"])
    assert (found.kind, found.id, found.name) == (ActorKind.SERVICE, "ci/bot", "bot")
    assert found.grants == (Grant(Role.VIEWER, SHOP), Grant(Role.OPERATOR, SHOP))


def test_without_scopes_it_has_its_issuers() -> None:
    assert actor(sub="bot", roles="viewer").grants == (Grant(Role.VIEWER, ACME),)


def test_the_service_claim_goes_before_the_subject() -> None:
    assert actor(sub="x", service="deployer", roles="viewer").id == "ci/deployer"


@pytest.mark.parametrize("role", ["root", "Admin", "ADMIN", "admin ", "", "*", "viewer,admin"])
def test_an_unknown_role_refuses_the_whole_token(role: str) -> None:
    assert code(sub="bot", roles=["viewer", role]) == "unknown_role"


def test_a_role_that_the_issuer_may_not_give_refuses_the_whole_token() -> None:
    assert code(sub="bot", roles=["viewer", "admin"]) == "role_not_given"


@pytest.mark.parametrize("roles", [[1], {"a": "admin"}, True, 7, [None], ["viewer"] * 9, [["x"]]])
def test_roles_that_are_none_are_refused(roles: Json) -> None:
    assert code(sub="bot", roles=roles) == "bad_roles"


@pytest.mark.parametrize("roles", [None, []])
def test_a_token_without_roles_is_refused(roles: Json) -> None:
    assert code(sub="bot", roles=roles) == "no_roles"


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nlevel=error", "x" * 129, "\x1b[31m", "é"])
def test_a_name_that_would_spoil_a_log_is_refused(name: str) -> None:
    assert code(service=name, roles="viewer") == "no_service"


def test_a_tenant_must_be_one_of_the_issuers() -> None:
    terms = ServiceTerms(frozenset({Role.VIEWER}), frozenset({"blue"}))
    assert actor(terms, sub="b", roles="viewer", tenant="blue").tenant == "blue"
    assert actor(terms, sub="b", roles="viewer", tenant="blue").grants[0].scope.tenant == "blue"
    assert code(terms, sub="b", roles="viewer", tenant="red") == "foreign_tenant"
    assert code(terms, sub="b", roles="viewer") == "foreign_tenant"
    for tenant in ("", "BLUE", "blue/red", "*", ["blue"], 7, "-x", "x" * 64):
        assert code(terms, sub="b", roles="viewer", tenant=tenant) == "bad_tenant"


@pytest.mark.parametrize("scope", ["tenant", "org:evil", "repo:evil/shop", "repo:acme-evil/shop"])
def test_a_scope_beyond_the_issuers_is_refused(scope: str) -> None:
    assert code(sub="bot", roles="viewer", scopes=["repo:acme/shop", scope]) == "scope_not_given"


@pytest.mark.parametrize(
    "scope", ["org:*", "repo:acme/*", "ORG:acme", "org:", "repo:acme", "org:a/b", "", "tenant:x"]
)
def test_a_scope_that_is_none_is_refused(scope: str) -> None:
    assert read_scope(scope, "default") is None
    assert code(sub="bot", roles="viewer", scopes=[scope]) == "bad_scopes"


def test_claims_can_have_other_names() -> None:
    terms = ServiceTerms(
        frozenset({Role.VIEWER}), names=ClaimNames("groups", "client_id", "org", "where")
    )
    found = actor(terms, client_id="bot", groups=["viewer"], where="org:acme", org="default")
    assert found.grants == (Grant(Role.VIEWER, ACME),)
    assert code(terms, client_id="bot", roles=["viewer"]) == "no_roles"


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(list(Role)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("roles", "service", "tenant", "scopes", "sub", "scope"), _values),
    )
)
def test_no_token_gives_more_than_the_terms(all_: dict[str, Json]) -> None:
    found = service_actor("ci", TERMS, claims(**all_))
    if isinstance(found, Refused):
        return
    assert found.tenant == "default"
    for grant in found.grants:
        assert grant.role in TERMS.roles
        assert grant.scope.name.partition("/")[0] == "acme"

"""The token service over HTTP: tokens, the record of mints, explanations, revocations."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from hookyard.core.identity.gate import Cursor, Gate, Id, Limit, Text, stored
from hookyard.core.identity.model import Action, Actor
from hookyard.core.identity.model import Scope as Reach
from hookyard.core.identity.rules import authorize
from hookyard.core.tokens.desk import TokenDesk
from hookyard.core.tokens.desk_rules import who_of
from hookyard.core.tokens.model import Ask, Who
from hookyard.core.tokens.records import Records
from hookyard.core.tokens.revoking import Revocations
from hookyard.core.tokens.wire import (
    LONGEST_TTL_S,
    ExplainIn,
    ExplainOut,
    MintOut,
    MintsOut,
    RevokedManyOut,
    RevokedOut,
    RevokeIn,
    ScopeIn,
    SimulatedOut,
    SimulateIn,
    TokenOut,
    ask_of,
    explain_ask,
    explain_out,
    mint_out,
    revoked_out,
    simulated_out,
    token_out,
)
from hookyard.kit.errors import Forbidden, Invalid, NotFound
from hookyard.kit.pages import clamp_limit

Installation = Annotated[int, Path(ge=1, le=2**53)]
AccountName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_WORDS = r"^[A-Za-z0-9._/,-]{1,10000}$"
_PAIRS = r"^[a-z0-9_:,]{1,4000}$"


@dataclass(frozen=True, slots=True)
class TokenPorts:
    """What the routes are made of."""

    desk: TokenDesk
    revocations: Revocations
    records: Records


def scope_query(
    repositories: Annotated[str | None, Query(pattern=_WORDS)] = None,
    permissions: Annotated[str | None, Query(pattern=_PAIRS)] = None,
    min_ttl: Annotated[int, Query(ge=0, le=LONGEST_TTL_S)] = 0,
    app: Annotated[str, Query(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = "",
    campaign: Annotated[str, Query(pattern=r"^[A-Za-z0-9._:-]{0,64}$")] = "",
) -> ScopeIn:
    """A scope out of a query: `repositories=a,b`, `permissions=contents:read,issues:write`."""
    pairs: dict[str, str] | None = None
    if permissions is not None:
        pairs = {}
        for part in permissions.split(","):
            name, colon, access = part.partition(":")
            if not colon or name in pairs:
                raise Invalid("`permissions` looks like contents:read,issues:write")
            pairs[name] = access
    names = None if repositories is None else repositories.split(",")
    try:
        return ScopeIn.model_validate(
            {
                "repositories": names,
                "permissions": pairs,
                "min_ttl": min_ttl,
                "app": app,
                "campaign": campaign,
            }
        )
    except ValueError:
        raise Invalid("`repositories` are names, `permissions` read, write or admin") from None


Scoped = Annotated[ScopeIn, Depends(scope_query)]


def router(ports: TokenPorts, gate: Gate) -> APIRouter:
    """The routes under /tokens."""
    routes = APIRouter(prefix="/tokens", tags=["tokens"])
    _mints(routes, ports, Depends(gate.require(Action.TOKENS_MINT)))
    _reads(routes, ports, gate)
    _ends(routes, ports, gate)
    return routes


def _mints(routes: APIRouter, ports: TokenPorts, minter: object) -> None:
    async def give(request: Request, actor: Actor, ask: Ask) -> TokenOut:
        given = await ports.desk.give(actor, ask)
        request.state.token_given = (actor, ask, given)
        return token_out(given)

    @routes.get("/installations/{installation_id}")
    async def get_token(
        request: Request,
        actor: Annotated[Actor, minter],
        installation_id: Installation,
        wanted: Scoped,
    ) -> TokenOut:
        """A token of an installation, as narrow as asked; from the cache while it lives."""
        _no_session(actor)
        return await give(request, actor, ask_of(wanted, installation_id))

    @routes.post("/installations/{installation_id}")
    async def mint_token(
        request: Request,
        actor: Annotated[Actor, minter],
        installation_id: Installation,
        wanted: ScopeIn | None = None,
    ) -> TokenOut:
        """The same, with the scope in the body."""
        return await give(request, actor, ask_of(wanted or ScopeIn(), installation_id))

    @routes.get("/accounts/{account}")
    async def get_account_token(
        request: Request, actor: Annotated[Actor, minter], account: AccountName, wanted: Scoped
    ) -> TokenOut:
        """A token for an account, of whichever App installed there has the most budget left."""
        _no_session(actor)
        return await give(request, actor, ask_of(wanted, 0, account))

    @routes.post("/accounts/{account}")
    async def mint_account_token(
        request: Request,
        actor: Annotated[Actor, minter],
        account: AccountName,
        wanted: ScopeIn | None = None,
    ) -> TokenOut:
        """The same, with the scope in the body."""
        return await give(request, actor, ask_of(wanted or ScopeIn(), 0, account))


def _reads(routes: APIRouter, ports: TokenPorts, gate: Gate) -> None:
    reader = Depends(gate.require_everywhere(Action.TOKENS_READ))

    @routes.get("/mints")
    async def list_mints(
        actor: Annotated[Actor, reader],
        holder: Annotated[Text, Query(alias="actor")] = None,
        campaign: Text = None,
        installation_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> MintsOut:
        """Mints on record, newest first; `actor` finds those an actor ever got."""
        page = await ports.records.page(
            actor.tenant,
            cursor,
            clamp_limit(limit),
            actor=stored(holder),
            campaign=stored(campaign),
            installation_id=installation_id,
        )
        return MintsOut([mint_out(mint) for mint in page.items], page.next_cursor)

    @routes.get("/mints/{mint_id}")
    async def get_mint(actor: Annotated[Actor, reader], mint_id: Id) -> MintOut:
        """One mint on record."""
        return mint_out(await ports.records.get(actor.tenant, mint_id))

    @routes.post("/simulate")
    async def simulate_policy(actor: Annotated[Actor, reader], said: SimulateIn) -> SimulatedOut:
        """What another mint policy would have said to the requests of the last days."""
        found, complete = await ports.records.simulate(actor.tenant, said.policy, said.days)
        return simulated_out(found, complete=complete)

    @routes.post("/explain")
    async def explain_token(
        actor: Annotated[Actor, Depends(gate.require(Action.SELF_READ))], said: ExplainIn
    ) -> ExplainOut:
        """What would become of a request, and why; nothing is minted. For somebody else (`who`)
        it takes the right to read mints."""
        sees_all = authorize(actor, Action.TOKENS_READ, Reach(tenant=actor.tenant))
        if said.who is None:
            found = await ports.desk.explain(actor, who_of(actor), explain_ask(said))
        elif sees_all.allowed:
            who = Who(said.who.kind, said.who.id, said.who.name, actor.tenant, said.who.claims)
            found = await ports.desk.explain(None, who, explain_ask(said))
        else:
            raise Forbidden(sees_all.reason)
        return explain_out(found, every_rule=sees_all.allowed)


def _ends(routes: APIRouter, ports: TokenPorts, gate: Gate) -> None:
    @routes.delete("/{mint_id}")
    async def revoke_token(
        actor: Annotated[Actor, Depends(gate.require(Action.TOKENS_REVOKE))], mint_id: Id
    ) -> RevokedOut:
        """Take a token back: nobody is given it any more, and GitHub is asked to end it."""
        mint = await ports.records.get(actor.tenant, mint_id)
        reach = Reach.of_org(mint.account, actor.tenant) if mint.account else Reach()
        is_covered = authorize(actor, Action.TOKENS_REVOKE, reach).allowed
        if not is_covered and not await ports.records.has_got(actor.label, mint):
            raise NotFound("there is no such mint")
        return revoked_out(await ports.revocations.of_mint(actor.tenant, mint_id, actor.label))

    @routes.post("/revoke")
    async def revoke_tokens(
        actor: Annotated[Actor, Depends(gate.require_everywhere(Action.TOKENS_REVOKE))],
        said: RevokeIn,
    ) -> RevokedManyOut:
        """Take back every living token that an actor ever got, or a campaign."""
        if (said.actor is None) == (said.campaign is None):
            raise Invalid("name either `actor` or `campaign`")
        ended = await ports.revocations.of_many(
            actor.tenant, actor.label, actor=said.actor, campaign=said.campaign
        )
        return RevokedManyOut([revoked_out(found) for found in ended])


def _no_session(actor: Actor) -> None:
    """# why: a link on any page makes a browser send a GET with the cookie along."""
    if actor.session_id is not None:
        raise Forbidden("signed-in people ask for tokens with POST", code="use_post")

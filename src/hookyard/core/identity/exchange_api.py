"""POST /api/auth/exchange: a workload's token for a key that lasts longer."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from hookyard.adapters.database.port import Database
from hookyard.core.identity.exchange import Exchange
from hookyard.core.identity.gate import Gate
from hookyard.core.identity.model import Action, Actor, Role
from hookyard.kit.clock import Clock, to_rfc3339


class ExchangeIn(BaseModel):
    """What is wanted: the role, where the workload holds several."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None


@dataclass(frozen=True, slots=True)
class ExchangedOut:
    """A key that ends by itself; its token is shown this once."""

    id: str
    token: str
    role: str
    scope: str
    expires_at: str


def router(database: Database, exchange: Exchange, clock: Clock, gate: Gate) -> APIRouter:
    """The route /api/auth/exchange."""
    routes = APIRouter(prefix="/api", tags=["identity"])

    @routes.post("/auth/exchange", status_code=201)
    async def exchange_token(
        actor: Annotated[Actor, Depends(gate.require(Action.SELF_READ))],
        wanted: ExchangeIn | None = None,
    ) -> ExchangedOut:
        """A key with a role that the calling workload holds, for an hour at most."""
        role = None if wanted is None else wanted.role
        now_ms = clock.now_ms()
        made = await database.write(lambda unit: exchange.exchange(unit, actor, role, now_ms))
        return ExchangedOut(
            id=made.key.id,
            token=made.token,
            role=made.key.role.value,
            scope=str(made.key.scope),
            expires_at=to_rfc3339(made.key.expires_at_ms or now_ms),
        )

    return routes

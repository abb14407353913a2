"""Reading the record of mints, and trying a policy on it."""

from hookyard.adapters.database.port import Database
from hookyard.core.tokens import store
from hookyard.core.tokens.model import Mint
from hookyard.core.tokens.policy_file import BadPolicy, read_policy
from hookyard.core.tokens.simulation import Simulated, simulate
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Invalid, NotFound
from hookyard.kit.pages import Page, id_in, page_of

DAY_MS = 86_400_000
ASKS_AT_MOST = 20_000


class Records:
    """The record of a tenant's mints."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def get(self, tenant: str, mint_id: str) -> Mint:
        """A mint; NotFound when the tenant has none of this id."""
        mint = await self._database.read(lambda unit: store.find_mint(unit, tenant, mint_id))
        if mint is None:
            raise NotFound("there is no such mint")
        return mint

    async def page(
        self,
        tenant: str,
        cursor: str | None,
        limit: int,
        *,
        actor: str | None = None,
        campaign: str | None = None,
        installation_id: int | None = None,
    ) -> Page[Mint]:
        """Mints, newest first; those an actor, or a campaign, ever got."""
        before = id_in(cursor)
        rows = await self._database.read(
            lambda unit: store.mints_page(
                unit,
                tenant,
                before,
                limit + 1,
                actor=actor,
                campaign=campaign,
                installation_id=installation_id,
            )
        )
        return page_of(rows, limit, lambda row: row.id)

    async def has_got(self, actor: str, mint: Mint) -> bool:
        """Whether an actor ever got this mint."""
        if mint.actor == actor:
            return True
        return await self._database.read(lambda unit: store.has_got(unit, actor, mint.id))

    async def simulate(self, tenant: str, policy: str, days: int) -> tuple[Simulated, bool]:
        """A policy tried on the requests of the last days, and whether all of them were seen.

        Invalid (`bad_policy`) for a policy that is wrong, with the line.
        """
        try:
            read = read_policy(policy.encode("utf-8", "surrogatepass"))
        except BadPolicy as error:
            raise Invalid(f"the policy: {error}", code="bad_policy") from None
        since_ms = self._clock.now_ms() - days * DAY_MS
        asks = await self._database.read(
            lambda unit: store.asks_since(unit, tenant, since_ms, ASKS_AT_MOST + 1)
        )
        return simulate(read, asks[:ASKS_AT_MOST]), len(asks) <= ASKS_AT_MOST

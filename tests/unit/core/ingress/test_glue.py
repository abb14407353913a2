"""The router's ports: what GitHub tells of repositories, written once a minute and never stale."""

from collections.abc import Callable

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.core.audit.model import AuditFilter, AuditOutcome
from hookyard.core.audit.service import Audit
from hookyard.core.ingress.decide import Routing, Ruling
from hookyard.core.ingress.glue import AuditedRefusals, EventInventory
from hookyard.core.ingress.model import Command, DeliveryStatus, Event
from hookyard.core.repositories.service import installation_of
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject
from hookyard_sandbox.senders_github import GitHubScene

SCENE = GitHubScene()
MakeEvent = Callable[..., Event]


class House:
    """An inventory over a database, and what it told others to forget."""

    def __init__(self, database: SqliteDatabase, clock: ManualClock) -> None:
        self.database = database
        self.forgotten: list[int | str] = []
        self.inventory = EventInventory(clock, self.forgotten.append, self.forgotten.append)

    async def hears(self, event: Event) -> str:
        return await self.database.write(lambda unit: self.inventory.apply(unit, event))

    async def knows(self, repository: str = SCENE.full_name) -> int | None:
        return await self.database.read(lambda unit: installation_of(unit, repository))


@pytest.fixture
def house(sqlite_database: SqliteDatabase, clock: ManualClock) -> House:
    return House(sqlite_database, clock)


def installed(event: MakeEvent, action: str = "created") -> Event:
    payload: JsonObject = {**SCENE.installation_created(), "action": action}
    return event(name="installation", action=action, payload=payload, repository=None)


def ordinary(event: MakeEvent, **repository: object) -> Event:
    payload = SCENE.issue_opened(1, "t", "b")
    told = {**SCENE.repository(), **repository}
    return event(
        name="issues", installation_id=SCENE.installation_id,
        payload={**payload, "repository": told},
    )  # fmt: skip


async def test_an_installation_is_known_and_forgotten_again(house: House, event: MakeEvent) -> None:
    assert await house.hears(installed(event))
    assert await house.knows() == SCENE.installation_id
    assert await house.hears(installed(event, "deleted"))
    assert await house.knows() is None
    assert SCENE.installation_id in house.forgotten


async def test_an_ordinary_event_teaches_once_a_minute(
    house: House, event: MakeEvent, clock: ManualClock
) -> None:
    assert await house.hears(ordinary(event)) != ""
    assert await house.knows() == SCENE.installation_id
    assert await house.hears(ordinary(event)) == ""
    clock.advance(61)
    assert await house.hears(ordinary(event)) != ""


async def test_a_changed_fact_is_heard_at_once(house: House, event: MakeEvent) -> None:
    await house.hears(ordinary(event))
    assert await house.hears(ordinary(event, default_branch="trunk")) != ""
    assert await house.hears(ordinary(event, private=True)) != ""


async def test_after_a_change_of_the_installation_nothing_old_is_believed(
    house: House, event: MakeEvent
) -> None:
    await house.hears(ordinary(event))
    await house.hears(installed(event, "deleted"))
    assert await house.hears(ordinary(event)) != ""


async def test_what_was_not_committed_was_not_heard(house: House, event: MakeEvent) -> None:
    def fails(unit: object) -> None:
        house.inventory.apply(unit, ordinary(event))  # type: ignore[arg-type]
        raise RuntimeError("the transaction fails")

    with pytest.raises(RuntimeError):
        await house.database.write(fails)
    assert await house.hears(ordinary(event)) != ""


async def test_twisted_facts_break_nothing(house: House, event: MakeEvent) -> None:
    twisted = ordinary(event, id=[[]], full_name={}, default_branch=["x"], archived={"a": 1})
    await house.hears(twisted)
    await house.hears(twisted)


async def test_a_change_of_members_forgets_permissions(house: House, event: MakeEvent) -> None:
    payload: JsonObject = {"action": "added", "repository": SCENE.repository()}
    await house.hears(event(name="member", action="added", payload=payload))
    assert house.forgotten == [SCENE.full_name]


async def test_other_providers_say_nothing_about_github(house: House, event: MakeEvent) -> None:
    assert await house.hears(event(provider="gitlab", name="installation")) == ""
    assert house.forgotten == []


async def test_each_refused_command_is_one_entry(
    sqlite_database: SqliteDatabase,
    clock: ManualClock,
    event: MakeEvent,
    command: Callable[..., Command],
) -> None:
    audit = Audit(IdMaker())
    refused = (
        Ruling(command(name="fix" * 40), allowed=False, reason="needs write"),
        Ruling(command(number=None, repository=None, actor="", actor_id=""), False, "no"),  # noqa: FBT003
    )
    routing = Routing(DeliveryStatus.IGNORED, "refused", refused=refused)
    port = AuditedRefusals(audit, clock)
    await sqlite_database.write(lambda unit: port.record(unit, event(), routing, "d1"))
    page = await sqlite_database.read(lambda unit: audit.list_page(unit, AuditFilter(), None, 10))
    second, first = (record.entry for record in page.items)
    assert (first.actor, first.target) == ("github:alice", "Acme/Shop#7")
    assert first.action == "command." + "fix" * 20
    assert (first.outcome, first.reason) == (AuditOutcome.REFUSED, "needs write")
    assert (second.actor, second.target) == ("github:unknown", "Acme/Shop")
    assert first.detail == {"delivery_id": "d1"}

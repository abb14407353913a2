"""The inventory follows GitHub's events on every database."""

import asyncio
from random import Random

import pytest

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.repositories import store
from hookyard.core.repositories.model import InventoryChange, Repository
from hookyard.core.repositories.service import (
    apply_installation_event,
    get_installation,
    get_repository,
    installation_of,
    list_installations,
    list_repositories,
)
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Invalid
from hookyard.kit.json import Json, JsonObject

NOW = 1_800_000_000_000
T0 = 1_700_000_000_000


def at(second: int) -> str:
    return to_rfc3339(T0 + second * 1000).replace(".000Z", "Z")


def installed(second: int = 0, number: int = 7, **more: Json) -> JsonObject:
    return {
        "id": number,
        "account": {"login": "acme", "type": "Organization"},
        "app_id": 42,
        "target_type": "Organization",
        "permissions": {"issues": "write"},
        "events": ["issues"],
        "suspended_at": None,
        "updated_at": at(second),
        **more,
    }


def short(number: int, name: str) -> JsonObject:
    return {"id": number, "node_id": "x", "full_name": name, "private": True}


def full(number: int, name: str, second: int, **more: Json) -> JsonObject:
    return {
        **short(number, name),
        "default_branch": "main",
        "archived": False,
        "updated_at": at(second),
        **more,
    }


class Inventory:
    """Sends events to one database and asks it back."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def send(self, event: str, action: str | None, payload: JsonObject) -> InventoryChange:
        return await self.database.write(
            lambda unit: apply_installation_event(unit, event, action, payload, NOW)
        )

    async def create(self, *repositories: JsonObject, number: int = 7) -> InventoryChange:
        payload: JsonObject = {
            "installation": installed(number=number),
            "repositories": list(repositories),
        }
        return await self.send("installation", "created", payload)

    async def chosen(
        self, second: int, *, added: list[Json] | None = None, removed: list[Json] | None = None
    ) -> InventoryChange:
        payload: JsonObject = {
            "installation": installed(second),
            "repositories_added": added or [],
            "repositories_removed": removed or [],
        }
        return await self.send("installation_repositories", "added", payload)

    async def event(
        self, name: str, action: str, repository: JsonObject, number: int = 7
    ) -> InventoryChange:
        payload: JsonObject = {"installation": {"id": number}, "repository": repository}
        return await self.send(name, action, payload)

    async def where(self, name: str) -> int | None:
        return await self.database.read(lambda unit: installation_of(unit, name))

    async def repository(self, name: str) -> Repository:
        found = await self.database.read(lambda unit: get_repository(unit, name))
        assert found is not None
        return found

    async def names(self) -> list[str]:
        page = await self.database.read(list_repositories)
        return [repository.full_name for repository in page.items]


@pytest.fixture
def inventory(database: Database) -> Inventory:
    return Inventory(database)


async def test_new_installation_is_known_with_its_repositories(inventory: Inventory) -> None:
    change = await inventory.create(short(1, "acme/App"), short(2, "acme/lib"))
    assert (change.repositories, change.forget_installation) == (2, None)
    assert await inventory.where("ACME/app") == 7
    assert await inventory.where("acme/other") is None
    known = await inventory.database.read(lambda unit: get_installation(unit, 7))
    assert known is not None
    assert (known.account_login, known.app_id, known.permissions) == (
        "acme",
        42,
        {"issues": "write"},
    )
    assert (known.events, known.suspended_at_ms, known.updated_at_ms) == (("issues",), None, T0)


async def test_same_event_twice_changes_nothing_the_second_time(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    change = await inventory.create(short(1, "acme/app"))
    assert (change.repositories, change.reason) == (
        0,
        "nothing new: it was known already, or is older",
    )


async def test_removed_installation_takes_its_repositories_with_it(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"), short(2, "acme/lib"))
    await inventory.create(short(3, "other/app"), number=8)
    change = await inventory.send("installation", "deleted", {"installation": installed(9)})
    assert (change.repositories, change.forget_installation) == (2, 7)
    assert await inventory.where("acme/app") is None
    assert await inventory.where("other/app") == 8
    page = await inventory.database.read(list_installations)
    assert [one.id for one in page.items] == [8]


async def test_creation_that_arrives_after_the_removal_revives_nothing(
    inventory: Inventory,
) -> None:
    await inventory.send("installation", "deleted", {"installation": installed(9)})
    await inventory.create(short(1, "acme/app"))
    await inventory.chosen(5, added=[short(2, "acme/lib")])
    await inventory.event("issues", "opened", full(3, "acme/web", 8))
    assert await inventory.names() == []


async def test_suspension_shows_and_its_tokens_are_to_be_forgotten(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    suspended: JsonObject = {"installation": installed(5, suspended_at=at(5))}
    change = await inventory.send("installation", "suspend", suspended)
    assert change.forget_installation == 7
    known = await inventory.database.read(lambda unit: get_installation(unit, 7))
    assert known is not None
    assert known.suspended_at_ms == T0 + 5000
    assert await inventory.where("acme/app") == 7
    await inventory.send("installation", "unsuspend", {"installation": installed(6)})
    known = await inventory.database.read(lambda unit: get_installation(unit, 7))
    assert known is not None
    assert known.suspended_at_ms is None


async def test_new_permissions_replace_the_old(inventory: Inventory) -> None:
    await inventory.create()
    more: JsonObject = {"installation": installed(5, permissions={"checks": "write"})}
    await inventory.send("installation", "new_permissions_accepted", more)
    known = await inventory.database.read(lambda unit: get_installation(unit, 7))
    assert known is not None
    assert known.permissions == {"checks": "write"}


async def test_chosen_repositories_come_and_go(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    change = await inventory.chosen(5, added=[short(2, "acme/lib")], removed=[short(1, "acme/app")])
    assert (change.repositories, change.forget_installation) == (2, 7)
    assert await inventory.names() == ["acme/lib"]
    await inventory.chosen(6, added=[short(1, "acme/app")])
    assert await inventory.names() == ["acme/app", "acme/lib"]


async def test_removal_that_arrives_before_the_addition_wins(inventory: Inventory) -> None:
    await inventory.create()
    await inventory.chosen(6, removed=[short(1, "acme/app")])
    await inventory.chosen(5, added=[short(1, "acme/app")])
    assert await inventory.names() == []


async def test_late_event_does_not_bring_a_removed_repository_back(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    await inventory.chosen(6, removed=[short(1, "acme/app")])
    await inventory.event("push", "", full(1, "acme/app", 4))
    assert await inventory.where("acme/app") is None
    await inventory.event("push", "", full(1, "acme/app", 7))
    assert await inventory.where("acme/app") == 7


async def test_any_event_teaches_the_repository_it_carries(inventory: Inventory) -> None:
    change = await inventory.event("issues", "opened", full(5, "acme/new", 3, archived=True))
    assert change.repositories == 1
    known = await inventory.repository("acme/new")
    assert (known.installation_id, known.private, known.default_branch) == (7, True, "main")
    assert (known.archived, known.updated_at_ms, known.seen_at_ms) == (True, T0 + 3000, NOW)
    change = await inventory.event("issues", "opened", full(5, "acme/new", 3, archived=True))
    assert change.reason == "the repository was known already"


async def test_renamed_repository_is_found_by_both_names(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/old"))
    await inventory.event("repository", "renamed", full(1, "acme/New", 5))
    assert await inventory.names() == ["acme/New"]
    assert await inventory.where("acme/old") == 7
    assert (await inventory.repository("ACME/OLD")).full_name == "acme/New"


async def test_events_of_a_rename_in_the_wrong_order_end_at_the_newest_name(
    inventory: Inventory,
) -> None:
    await inventory.event("repository", "renamed", full(1, "acme/c", 9))
    await inventory.event("repository", "renamed", full(1, "acme/b", 6))
    await inventory.event("push", "", full(1, "acme/a", 3))
    assert await inventory.names() == ["acme/c"]


async def test_events_handled_at_the_same_time_end_at_the_newest_name(
    inventory: Inventory,
) -> None:
    seconds = list(range(1, 31))
    Random(3).shuffle(seconds)
    told = [
        inventory.event("repository", "renamed", full(1, f"acme/r{second}", second))
        for second in seconds
    ]
    await asyncio.gather(*told)
    assert await inventory.names() == ["acme/r30"]


async def test_installation_and_its_events_at_the_same_time_lose_nothing(
    inventory: Inventory,
) -> None:
    many = [short(n, f"acme/r{n}") for n in range(1, 21)]
    told = [inventory.create(*many), inventory.chosen(5, removed=[many[0]])]
    told += [inventory.event("push", "", full(n, f"acme/r{n}", 3)) for n in range(20, 0, -1)]
    await asyncio.gather(*told)
    assert len(await inventory.names()) == 19
    assert await inventory.where("acme/r1") is None


async def test_name_taken_over_belongs_to_the_newcomer(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    await inventory.event("repository", "renamed", full(1, "acme/legacy", 5))
    await inventory.event("repository", "created", full(2, "acme/app", 6))
    assert (await inventory.repository("acme/app")).id == 2
    assert (await inventory.repository("acme/legacy")).id == 1


async def test_name_taken_over_before_the_rename_is_heard_of_is_the_newcomers(
    inventory: Inventory,
) -> None:
    await inventory.event("push", "", full(1, "acme/app", 3))
    await inventory.event("repository", "created", full(2, "acme/app", 6))
    assert (await inventory.repository("acme/app")).id == 2


async def test_two_repositories_may_swap_names(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/a"), short(2, "acme/b"))
    await inventory.event("repository", "renamed", full(1, "acme/b", 6))
    await inventory.event("repository", "renamed", full(2, "acme/a", 7))
    assert (await inventory.repository("acme/a")).id == 2
    assert (await inventory.repository("acme/b")).id == 1


async def test_transferred_repository_moves_to_the_other_installation(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    await inventory.create(number=8)
    await inventory.event("repository", "transferred", full(1, "umbrella/app", 9), number=8)
    assert await inventory.where("umbrella/app") == 8
    assert await inventory.where("acme/app") == 8
    await inventory.chosen(9, removed=[short(1, "acme/app")])
    assert await inventory.where("umbrella/app") == 8


@pytest.mark.parametrize(
    ("action", "change", "expected"),
    [
        ("archived", {"archived": True}, (True, True, "main")),
        ("publicized", {"private": False}, (False, False, "main")),
        ("edited", {"default_branch": "trunk"}, (True, False, "trunk")),
    ],
)
async def test_attributes_follow_the_repositorys_events(
    inventory: Inventory, action: str, change: JsonObject, expected: tuple[bool, bool, str]
) -> None:
    await inventory.event("push", "", full(1, "acme/app", 1))
    await inventory.event("repository", action, {**full(1, "acme/app", 2), **change})
    known = await inventory.repository("acme/app")
    assert (known.private, known.archived, known.default_branch) == expected


async def test_deleted_repository_is_gone_whatever_arrives_late(inventory: Inventory) -> None:
    await inventory.create(short(1, "acme/app"))
    await inventory.event("repository", "deleted", full(1, "acme/app", 5))
    await inventory.event("issues", "opened", full(1, "acme/app", 9))
    await inventory.event("repository", "deleted", full(2, "acme/lib", 5))
    await inventory.event("issues", "opened", full(2, "acme/lib", 4))
    assert await inventory.names() == []


async def test_account_with_a_new_name_is_renamed(inventory: Inventory) -> None:
    await inventory.create()
    payload: JsonObject = {"installation": {"id": 7}, "account": {"login": "umbrella"}}
    await inventory.send("installation_target", "renamed", payload)
    known = await inventory.database.read(lambda unit: get_installation(unit, 7))
    assert known is not None
    assert known.account_login == "umbrella"


@pytest.mark.parametrize("event", ["installation", "installation_repositories",
                                   "installation_target", "repository", "issues"])  # fmt: skip
@pytest.mark.parametrize("payload", [{}, {"installation": 1}, {"repository": {"id": "x"}}])
async def test_payload_of_another_shape_changes_nothing(
    inventory: Inventory, event: str, payload: JsonObject
) -> None:
    for action in ("deleted", "created", None):
        assert (await inventory.send(event, action, payload)).repositories == 0
    assert await inventory.names() == []


async def test_hundreds_of_repositories_arrive_in_one_event(inventory: Inventory) -> None:
    many = [short(n, f"acme/r{n:04}") for n in range(1, 1201)]
    assert (await inventory.create(*many)).repositories == 1200
    assert await inventory.where("acme/r1200") == 7


async def test_lists_are_paged_by_name_without_gaps(inventory: Inventory) -> None:
    await inventory.create(*[short(n, f"acme/R{n}") for n in range(1, 8)])
    await inventory.create(short(99, "acme/r3"), number=8)
    cursor, got = None, []
    while True:
        page = await inventory.database.read(
            lambda unit, c=cursor: list_repositories(unit, limit=3, cursor=c)  # type: ignore[misc]
        )
        got += [(one.full_name, one.id) for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    expected = sorted(
        [(f"acme/R{n}", n) for n in range(1, 8)] + [("acme/r3", 99)],
        key=lambda item: (item[0].lower(), item[1]),
    )
    assert got == expected
    only = await inventory.database.read(lambda unit: list_repositories(unit, installation_id=8))
    assert [one.id for one in only.items] == [99]


async def test_installations_are_paged_by_id(inventory: Inventory) -> None:
    for number in (3, 1, 2):
        await inventory.create(number=number)
    first = await inventory.database.read(lambda unit: list_installations(unit, limit=2))
    rest = await inventory.database.read(
        lambda unit: list_installations(unit, limit=2, cursor=first.next_cursor)
    )
    assert [one.id for one in (*first.items, *rest.items)] == [1, 2, 3]
    assert rest.next_cursor is None
    with pytest.raises(Invalid):
        await inventory.database.read(lambda unit: list_installations(unit, cursor="nonsense"))


async def test_configuration_read_long_ago_is_dropped_with_its_unused_files(
    database: Database,
) -> None:
    def fill(unit: Unit) -> None:
        store.save_config(unit, "acme/a", "1" * 40, (".hookyard.yml", "old", b"a"), 100)
        store.save_config(unit, "acme/a", "2" * 40, (".hookyard.yml", "kept", b"b"), 100)
        store.save_config(unit, "acme/b", "3" * 40, (".hookyard.yml", "kept", b"b"), 300)
        store.save_config(unit, "acme/b", "4" * 40, None, 100)

    await database.write(fill)
    assert await database.write(lambda unit: store.drop_config_before(unit, 200)) == 3
    kept = await database.read(lambda unit: store.get_config_commit(unit, "ACME/B", "3" * 40))
    assert kept == (".hookyard.yml", "kept")
    assert await database.read(lambda unit: store.get_config_blob(unit, "kept")) == b"b"
    assert await database.read(lambda unit: store.get_config_blob(unit, "old")) is None

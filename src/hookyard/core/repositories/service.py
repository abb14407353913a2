"""Use cases of the inventory: keep it in step with GitHub's events, and answer from it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.core.identity.model import Scope, ScopeKind
from hookyard.core.identity.scopes import repositories_named
from hookyard.core.repositories import store
from hookyard.core.repositories.facts import (
    installation_id_of,
    instant_ms,
    read_installation,
    read_repositories,
    read_repository,
)
from hookyard.core.repositories.merge import (
    described,
    left,
    member,
    merge_installation,
    renamed,
    seen,
)
from hookyard.core.repositories.model import (
    Installation,
    InventoryChange,
    Repository,
    RepositoryFacts,
)
from hookyard.kit.json import JsonObject, as_text, dig
from hookyard.kit.pages import Page, clamp_limit, decode_cursor, encode_cursor

Fold: TypeAlias = Callable[[Repository], Repository]


def apply_installation_event(
    unit: Unit, event_name: str, action: str | None, payload: JsonObject, now_ms: int
) -> InventoryChange:
    """Bring the inventory in step with one event of GitHub, in whatever order events arrive.

    `installation`, `installation_repositories`, `installation_target` and `repository` change it;
    every other event teaches the repository it carries. Returns what changed and why.
    """
    act = action or ""
    match event_name:
        case "installation":
            return _installation_event(unit, act, payload, now_ms)
        case "installation_repositories":
            return _membership_event(unit, payload, now_ms)
        case "installation_target":
            return _account_renamed(unit, payload)
        case "repository" if act == "deleted":
            return _repository_deleted(unit, payload, now_ms)
        case _:
            return _learn(unit, payload, now_ms)


def installation_of(unit: Unit, full_name: str) -> int | None:
    """The installation that can act on a repository, by its present or a former name.

    A suspended one is named too: GitHub's own answer to the next mint is the newer truth.
    """
    repository = store.repository_named(unit, full_name)
    return None if repository is None else repository.installation_id


def get_repository(unit: Unit, full_name: str) -> Repository | None:
    """A repository by its present or a former name, unless it is removed."""
    return store.repository_named(unit, full_name)


def find_repository(unit: Unit, full_name: str) -> tuple[int, str] | None:
    """The id and present name, lower case, of a repository, by that name or a former one."""
    found = store.repository_named(unit, full_name)
    return None if found is None else (found.id, store.name_key(found.full_name))


def get_installation(unit: Unit, installation_id: int) -> Installation | None:
    """An installation by id, removed ones included."""
    return store.get_installation(unit, installation_id)


def installation_on(unit: Unit, account_login: str) -> int | None:
    """The installation of the App on an account, by the account's login."""
    found = store.installation_on(unit, account_login)
    return None if found is None else found.id


def list_installations(
    unit: Unit, *, limit: int | None = None, cursor: str | None = None
) -> Page[Installation]:
    """Installations that are not removed, by id."""
    size = clamp_limit(limit)
    after = 0 if cursor is None else int(decode_cursor(cursor, (int,))[0])
    found = store.installations_after(unit, after, size + 1)
    more = len(found) > size
    return Page(tuple(found[:size]), encode_cursor(found[size - 1].id) if more else None)


def list_repositories(
    unit: Unit,
    *,
    installation_id: int | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    scopes: Sequence[Scope] | None = None,
) -> Page[Repository]:
    """Repositories that are not removed, by name; only those in one of the scopes, where given."""
    size = clamp_limit(limit)
    after = None
    if cursor is not None:
        key, last_id = decode_cursor(cursor, (str, int))
        after = (str(key), int(last_id))
    found = store.repositories_after(unit, after, size + 1, installation_id, _within(scopes))
    if len(found) <= size:
        return Page(tuple(found), None)
    last = found[size - 1]
    return Page(tuple(found[:size]), encode_cursor(store.name_key(last.full_name), last.id))


def _within(scopes: Sequence[Scope] | None) -> store.Within | None:
    if scopes is None or any(scope.kind is ScopeKind.TENANT for scope in scopes):
        return None
    named = [scope for scope in scopes if scope.kind is ScopeKind.REPOSITORY]
    return store.Within(
        owners=tuple(s.name for s in scopes if s.kind is ScopeKind.ORG and s.name),
        names=tuple(s.name for s in named if s.id is None and s.name),
        ids=tuple(s.id for s in named if s.id is not None),
    )


def fold_repositories(
    unit: Unit,
    facts: Sequence[RepositoryFacts],
    fold: Callable[[RepositoryFacts], Fold],
    installation_id: int,
    as_of_ms: int,
    now_ms: int,
) -> list[tuple[Repository | None, Repository]]:
    """Describe each repository anew, apply its fold, save what changed; (before, after) of those.

    `as_of_ms` dates facts that carry no instant of their own.
    """
    ids = [item.id for item in facts]
    store.lock_repositories(unit, ids)
    known = store.get_repositories(unit, ids)
    changed = []
    for item in facts:
        before = known.get(item.id)
        after = fold(item)(described(before, item, installation_id, as_of_ms))
        if after != before:
            after = replace(after, seen_at_ms=now_ms)
            store.save_repository(unit, before, after)
            changed.append((before, after))
            known[item.id] = after
    named = [(new.id, new.full_name) for old, new in changed if renamed(old, new)]
    repositories_named(unit, named, find_repository)
    return changed


def _installation_event(
    unit: Unit, action: str, payload: JsonObject, now_ms: int
) -> InventoryChange:
    facts = read_installation(payload)
    if facts is None:
        return InventoryChange("the payload does not describe an installation")
    store.lock_installation(unit, facts.id)
    known = store.get_installation(unit, facts.id)
    merged = merge_installation(known, facts, action, now_ms)
    if merged != known:
        store.save_installation(unit, merged)
    forget = None if action == "created" else facts.id
    if merged.removed_at_ms is not None:
        gone = _remove_all(unit, facts.id, now_ms)
        return InventoryChange("the installation is removed", gone, facts.id)
    as_of_ms = facts.updated_at_ms or now_ms
    listed = read_repositories(payload.get("repositories"))
    changed = fold_repositories(
        unit, listed, lambda _: lambda r: member(r, facts.id, as_of_ms), facts.id, as_of_ms, now_ms
    )
    if merged == known and not changed:
        return InventoryChange("nothing new: it was known already, or is older", 0, forget)
    return InventoryChange(f"installation {action}", len(changed), forget)


def _remove_all(unit: Unit, installation_id: int, now_ms: int) -> int:
    there = store.repositories_of(unit, installation_id)
    store.lock_repositories(unit, [repository.id for repository in there])
    for repository in there:
        gone = replace(repository, removed_at_ms=now_ms, seen_at_ms=now_ms)
        store.save_repository(unit, repository, gone)
    return len(there)


def _membership_event(unit: Unit, payload: JsonObject, now_ms: int) -> InventoryChange:
    facts = read_installation(payload)
    if facts is None:
        return InventoryChange("the payload does not describe an installation")
    store.lock_installation(unit, facts.id)
    known = store.get_installation(unit, facts.id)
    merged = merge_installation(known, facts, "", now_ms)
    if merged != known:
        store.save_installation(unit, merged)
    if merged.removed_at_ms is not None:
        return InventoryChange("the installation was removed before", 0, facts.id)
    as_of_ms = facts.updated_at_ms or now_ms
    added = read_repositories(payload.get("repositories_added"))
    removed = read_repositories(payload.get("repositories_removed"))
    gone_ids = {item.id for item in removed}

    def fold(item: RepositoryFacts) -> Fold:
        if item.id in gone_ids:
            return lambda r: left(r, facts.id, as_of_ms)
        return lambda r: member(r, facts.id, as_of_ms)

    changed = fold_repositories(unit, [*added, *removed], fold, facts.id, as_of_ms, now_ms)
    return InventoryChange(
        f"{len(added)} repositories added, {len(removed)} removed", len(changed), facts.id
    )


def _account_renamed(unit: Unit, payload: JsonObject) -> InventoryChange:
    """# why: repositories follow with their own events, or are found by their former names."""
    installation_id = installation_id_of(payload)
    login = as_text(dig(payload, "account", "login"))
    if installation_id is None or not login:
        return InventoryChange("the payload does not name an installation and its account")
    store.lock_installation(unit, installation_id)
    known = store.get_installation(unit, installation_id)
    if known is None:
        return InventoryChange("the installation is not known")
    store.save_installation(unit, replace(known, account_login=login))
    return InventoryChange("the account has a new name")


def _repository_deleted(unit: Unit, payload: JsonObject, now_ms: int) -> InventoryChange:
    facts = read_repository(payload.get("repository"))
    installation_id = installation_id_of(payload)
    if facts is None or installation_id is None:
        return InventoryChange("the payload does not name a repository and its installation")

    def fold(_: RepositoryFacts) -> Fold:
        return lambda r: left(r, installation_id, max(r.member_at_ms, r.updated_at_ms, now_ms))

    changed = fold_repositories(unit, [facts], fold, installation_id, 0, now_ms)
    return InventoryChange("the repository is deleted", len(changed))


def _learn(unit: Unit, payload: JsonObject, now_ms: int) -> InventoryChange:
    facts = read_repository(payload.get("repository"))
    installation_id = installation_id_of(payload)
    if facts is None or installation_id is None:
        return InventoryChange("the event names no repository of an installation")
    known = store.get_repositories(unit, [facts.id]).get(facts.id)
    dated_ms = facts.updated_at_ms or instant_ms(dig(payload, "repository", "pushed_at")) or 0

    def fold(_: RepositoryFacts) -> Fold:
        return lambda r: seen(r, installation_id, dated_ms)

    if known is not None and fold(facts)(described(known, facts, installation_id)) == known:
        return InventoryChange("the repository was known already")
    installation = store.get_installation(unit, installation_id)
    if installation is not None and installation.removed_at_ms is not None:
        return InventoryChange("the installation was removed before")
    changed = fold_repositories(unit, [facts], fold, installation_id, 0, now_ms)
    return InventoryChange("the repository is up to date", len(changed))

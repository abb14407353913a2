"""Reconciles the inventory of one installation with GitHub's own list."""

from dataclasses import replace
from functools import partial

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.port import GitHub
from hookyard.core.repositories import store
from hookyard.core.repositories.facts import read_repository
from hookyard.core.repositories.merge import left, member
from hookyard.core.repositories.model import Repository, RepositoryFacts, SyncReport
from hookyard.core.repositories.service import Fold, fold_repositories
from hookyard.kit.clock import Clock

_PORTION = 100
_MOST = 20_000


async def sync_installation(
    database: Database, github: GitHub, clock: Clock, installation_id: int, *, most: int = _MOST
) -> SyncReport:
    """List what the installation can see and make the inventory agree. Safe to run at any time.

    What events changed after the listing began is left to them. A list cut off at `most` adds but
    removes nothing. Raises what `GitHub.pages` raises, with nothing changed.
    """
    began_ms = clock.now_ms()
    listed: dict[int, RepositoryFacts] = {}
    count = 0
    pages = github.pages("/installation/repositories", installation_id=installation_id, limit=most)
    async for item in pages:
        count += 1
        facts = read_repository(item)
        if facts is not None:
            listed[facts.id] = facts
    everything = list(listed.values())
    added: list[str] = []
    for start in range(0, len(everything), _PORTION):
        portion = everything[start : start + _PORTION]
        now_ms = clock.now_ms()
        work = partial(_present, installation_id=installation_id, portion=portion, now_ms=now_ms)
        added += await database.write(work)
    if count >= most:
        return SyncReport(len(listed), tuple(added))
    removed = await database.write(
        lambda unit: _absent(unit, installation_id, set(listed), began_ms, clock.now_ms())
    )
    return SyncReport(len(listed), tuple(added), tuple(removed))


def _present(
    unit: Unit, installation_id: int, portion: list[RepositoryFacts], now_ms: int
) -> list[str]:
    """# why: the list has no instant of GitHub's, so it confirms membership without redating it."""

    def fold(_: RepositoryFacts) -> Fold:
        return lambda r: member(r, installation_id, r.member_at_ms)

    changed = fold_repositories(unit, portion, fold, installation_id, 0, now_ms)
    return [
        after.full_name
        for before, after in changed
        if before is None
        or before.removed_at_ms is not None
        or before.installation_id != installation_id
    ]


def _absent(
    unit: Unit, installation_id: int, listed: set[int], began_ms: int, now_ms: int
) -> list[str]:
    missing = [
        repository
        for repository in store.repositories_of(unit, installation_id)
        if repository.id not in listed and repository.seen_at_ms < began_ms
    ]
    store.lock_repositories(unit, [repository.id for repository in missing])
    still = store.get_repositories(unit, [repository.id for repository in missing])
    return [
        repository.full_name
        for repository in still.values()
        if repository.seen_at_ms < began_ms and _remove(unit, repository, installation_id, now_ms)
    ]


def _remove(unit: Unit, before: Repository, installation_id: int, now_ms: int) -> bool:
    after = left(before, installation_id, before.member_at_ms)
    if after == before:
        return False
    store.save_repository(unit, before, replace(after, seen_at_ms=now_ms))
    return True

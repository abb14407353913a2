"""Whatever the order payloads arrive in, the newest word of GitHub stands."""

from collections.abc import Callable
from itertools import permutations

import pytest

from hookyard.core.repositories.merge import described, left, member, merge_installation, seen
from hookyard.core.repositories.model import (
    Installation,
    InstallationFacts,
    Repository,
    RepositoryFacts,
)

Step = Callable[[Repository | None], Repository]


def facts(name: str, at_ms: int | None, *, archived: bool = False) -> RepositoryFacts:
    return RepositoryFacts(
        1, name, private=True, default_branch="main", archived=archived, updated_at_ms=at_ms
    )


def heard(name: str, at_ms: int, *, archived: bool = False, installation: int = 7) -> Step:
    told = facts(name, at_ms, archived=archived)
    return lambda known: seen(described(known, told, installation), installation, at_ms)


def added(name: str, at_ms: int, installation: int = 7) -> Step:
    told = RepositoryFacts(1, name)
    return lambda known: member(described(known, told, installation, at_ms), installation, at_ms)


def taken(name: str, at_ms: int, installation: int = 7) -> Step:
    told = RepositoryFacts(1, name)
    return lambda known: left(described(known, told, installation, at_ms), installation, at_ms)


def outcomes(*steps: Step) -> set[tuple[str, int, bool, bool]]:
    found = set()
    for order in permutations(steps):
        known: Repository | None = None
        for step in order:
            known = step(known)
        assert known is not None
        gone = known.removed_at_ms is not None
        found.add((known.full_name, known.installation_id, known.archived, gone))
    return found


def test_renames_end_at_the_newest_name_in_any_order() -> None:
    steps = [heard("a/x", 10), heard("a/y", 20), heard("a/z", 30)]
    assert outcomes(*steps) == {("a/z", 7, False, False)}


def test_archiving_and_an_older_event_end_archived() -> None:
    assert outcomes(heard("a/x", 10), heard("a/x", 20, archived=True)) == {("a/x", 7, True, False)}


def test_removal_wins_over_every_older_word() -> None:
    steps = [added("a/x", 10), heard("a/x", 15), taken("a/x", 20)]
    assert outcomes(*steps) == {("a/x", 7, False, True)}


def test_return_wins_over_the_removal_before_it() -> None:
    steps = [added("a/x", 10), taken("a/x", 20), added("a/x", 30)]
    assert outcomes(*steps) == {("a/x", 7, False, False)}


def test_transfer_to_another_installation_in_any_order() -> None:
    steps = [added("a/x", 10), taken("a/x", 20), heard("b/x", 30, installation=8)]
    assert {(name, where, gone) for name, where, _, gone in outcomes(*steps)} == {("b/x", 8, False)}


def test_short_facts_do_not_rename_what_was_renamed_since() -> None:
    assert outcomes(heard("a/new", 30), added("a/old", 20)) == {("a/new", 7, False, False)}


def test_facts_without_any_instant_fill_only_what_is_unknown() -> None:
    known = described(None, facts("a/x", 10), 7)
    assert described(known, RepositoryFacts(1, "a/old"), 7) == known


def installation(at_ms: int | None, suspended_at_ms: int | None = None) -> InstallationFacts:
    return InstallationFacts(
        id=7,
        account_login="acme",
        account_type="Organization",
        app_id=42,
        target_type="Organization",
        suspended_at_ms=suspended_at_ms,
        permissions={"issues": "write"},
        events=("issues",),
        updated_at_ms=at_ms,
    )


def run(*events: tuple[str, InstallationFacts]) -> Installation:
    known: Installation | None = None
    for action, told in events:
        known = merge_installation(known, told, action, 99)
    assert known is not None
    return known


def test_suspension_and_its_end_in_either_order() -> None:
    events = [("created", installation(10)), ("suspend", installation(20, 20))]
    events.append(("unsuspend", installation(30)))
    for order in permutations(events):
        assert run(*order).suspended_at_ms is None
    for order in permutations(events[:2]):
        assert run(*order).suspended_at_ms == 20


def test_suspension_without_an_instant_takes_the_newest_there_is() -> None:
    assert run(("suspend", installation(20))).suspended_at_ms == 20
    assert run(("suspend", installation(None))).suspended_at_ms == 99


@pytest.mark.parametrize("late_ms", [5, 10, 500])
def test_removed_installation_never_comes_back(late_ms: int) -> None:
    gone = run(("deleted", installation(10)), ("created", installation(late_ms)))
    assert gone.removed_at_ms == 99


def test_removal_counts_even_when_its_payload_is_old() -> None:
    known = run(("new_permissions_accepted", installation(50)), ("deleted", installation(10)))
    assert (known.removed_at_ms, known.updated_at_ms) == (99, 50)

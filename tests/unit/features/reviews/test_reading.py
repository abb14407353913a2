"""What strangers send, as this room's values: commands, pull requests, runs, merge groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.ingress.model import Command, CommandKind, Event
from hookyard.features.reviews.commands import Misread, Order, read, takes
from hookyard.features.reviews.model import RunState
from hookyard.features.reviews.sources import revision_at
from hookyard.features.reviews.wire import carried, group_of, links_of, pull_of, run_of
from hookyard.kit.json import Json, JsonObject

SHA = "a" * 40


@pytest.mark.parametrize(
    ("word", "text", "order"),
    [
        ("waive", "T3 next release", Order("waive", None, "T3", "next release")),
        ("waive", "t3: next  release", Order("waive", None, "T3", "next release")),
        ("manual", "42/T3 seen", Order("manual", 42, "T3", "seen")),
        ("unwaive", "#42:T3", Order("unwaive", 42, "T3")),
        ("explain", "", Order("explain")),
        ("explain", "T2", Order("explain", None, "T2")),
        ("unlink", "#42 no more", Order("unlink", 42, None, "no more")),
        ("flag", "ship it", Order("flag", reason="ship it")),
    ],
)
def test_commands_are_read(word: str, text: str, order: Order) -> None:
    assert read(word, text) == order


@pytest.mark.parametrize(
    ("word", "text"), [("waive", "all of it"), ("waive", "T0 x"), ("unlink", "it"), ("unmark", "")]
)
def test_commands_without_sense_say_how_they_are_written(word: str, text: str) -> None:
    found = read(word, text)
    assert isinstance(found, Misread)
    assert "write:" in found.reason


@given(st.sampled_from(["waive", "unlink", "explain", "flag"]), st.text(max_size=200))
def test_no_text_of_a_command_is_too_strange(word: str, text: str) -> None:
    assert read(word, text)


def event(provider: str = "github", payload: JsonObject | None = None) -> Event:
    name = "issue_comment" if payload is None else "check_run"
    repository = "acme/shop"
    return Event(
        provider, name, "created", repository, None, "alice", "1",
        actor_is_bot=False, app_id=None, installation_id=5, payload=payload or {},
    )  # fmt: skip


def command(name: str, text: str = "", kind: CommandKind = CommandKind.COMMENT) -> Command:
    return Command(kind, name, text, "alice", "1", "acme/shop", 7, 9)


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (command("waive", "T1 x"), True),
        (command("explain"), True),
        (command("explain", "42/T2"), True),
        (command("explain", "the parser"), False),
        (command("fix", "T1"), False),
        (command("waive", "T1 x", CommandKind.SLASH), False),
        (command("waive", "", CommandKind.ACTION), False),
    ],
)
def test_only_our_own_words_are_taken(given: Command, ours: bool) -> None:
    assert takes(given, event()) is ours
    assert takes(given, event("slack")) is False


def test_a_button_is_ours_on_our_own_check_alone() -> None:
    pressed = command("waive", "", CommandKind.ACTION)
    assert takes(pressed, event(payload={"check_run": {"name": "hookyard/criteria"}}))
    assert not takes(pressed, event(payload={"check_run": {"name": "hookyard/health"}}))


def pull(**changes: Json) -> JsonObject:
    return {
        "number": 7,
        "title": "T",
        "body": "Closes #42, fixes acme/other#3",
        "state": "open",
        "updated_at": "2026-01-02T03:04:05Z",
        "user": {"login": "alice"},
        "head": {"ref": "fix", "sha": SHA, "repo": {"full_name": "mallory/shop"}},
        "base": {"ref": "main", "sha": "b" * 40, "repo": {"full_name": "acme/shop"}},
        **changes,
    }


def test_a_pull_request_is_read_with_its_links() -> None:
    found = pull_of("acme/shop", carried(pull()))
    assert found is not None
    assert (found.number, found.state, found.from_fork) == (7, "open", True)
    assert [(link.repository, link.number) for link in links_of(found)] == [
        ("acme/shop", 42),
        ("acme/other", 3),
    ]
    merged = pull_of("acme/shop", carried(pull(state="closed", merged=True)))
    assert merged is not None
    assert merged.state == "merged"


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0},
        {"number": None},
        {"number": 2**40},
        {"updated_at": "yesterday"},
        {"head": {"ref": "x", "sha": "main"}},
        {"base": None},
    ],
)
def test_what_names_no_pull_request_is_none(changes: dict[str, Json]) -> None:
    assert pull_of("acme/shop", carried(pull(**changes))) is None


def test_a_pull_request_whose_head_is_gone_is_a_forks() -> None:
    found = pull_of("acme/shop", pull(head={"ref": "x", "sha": SHA, "repo": None}))
    assert found is not None
    assert found.from_fork


def test_a_pull_request_is_not_about_itself() -> None:
    found = pull_of("acme/shop", pull(body="Closes #7"))
    assert found is not None
    assert links_of(found) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["id", "run_attempt", "head_sha", "head_ref"]), JSON))
def test_no_payload_is_too_strange(data: dict[str, Json]) -> None:
    run_of(data, "completed")
    group_of("acme/shop", data, "open")
    pull_of("acme/shop", carried(data))


def test_runs_and_groups_are_read() -> None:
    run = run_of({"id": 5, "run_attempt": 2, "head_sha": SHA}, "requested")
    assert run == RunState(5, 2, SHA, "requested")
    assert run_of({"id": 5, "head_sha": SHA}, "sleeping") is None
    ref = f"refs/heads/gh-readonly-queue/release/1.x/pr-7-{SHA}"
    group = group_of("acme/shop", {"head_sha": SHA, "head_ref": ref}, "open")
    assert group is not None
    assert group.number == 7
    assert group_of("acme/shop", {"head_sha": SHA, "head_ref": "refs/heads/main"}, "open") is None


@given(st.permutations(["requested", "in_progress", "completed", "stored"]))
def test_a_run_only_goes_forward(states: list[str]) -> None:
    newest = max((RunState(1, 1, SHA, state) for state in states), key=lambda run: run.order)
    assert newest.state == "stored"
    assert RunState(1, 2, SHA, "requested").order > newest.order


@pytest.mark.parametrize(("at_ms", "revision"), [(50, 1), (100, 1), (199, 1), (200, 2), (900, 3)])
def test_evidence_is_bound_to_the_revision_that_stood(at_ms: int, revision: int) -> None:
    assert revision_at([(1, 100), (2, 200), (3, 300)], at_ms) == revision
    assert revision_at([], at_ms) == 1

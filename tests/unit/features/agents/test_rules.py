"""Reading tasks and answers, where an answer goes, and what an agent's environment holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.publishing.model import CommentEffect, IssueEffect
from hookyard.features.agents.model import AgentAnswer, AgentFailure, AgentTask
from hookyard.features.agents.rules import effect_of, environment_of, read_answer, read_task
from hookyard.settings import SETTINGS

TASK = AgentTask(
    command="fix",
    text="the parser",
    provider="github",
    source="github",
    actor="alice",
    repository="acme/shop",
    number=7,
    delivery_id="d",
    subject="acme/shop#7",
)


def with_task(**values: object) -> AgentTask:
    return AgentTask(**{name: getattr(TASK, name) for name in TASK.__slots__} | values)


def test_a_payload_of_nothing_is_an_empty_task() -> None:
    assert read_task({}) == AgentTask("", "", "", "", "", None, None, None, None)
    assert read_task({"number": "7", "repository": 5, "text": None}).repository is None


def test_a_json_answer_is_read_by_its_parts() -> None:
    answer = read_answer(b' {"summary": "did it", "comment": "**yes**", "data": {"n": [1]}} \n')
    assert answer == AgentAnswer("did it", "**yes**", {"n": [1]})


@pytest.mark.parametrize(
    ("output", "summary"),
    [
        (b"", "done"),
        (b"  \n", "done"),
        (b"plain words\n", "plain words"),
        (b"[1, 2]", "[1, 2]"),
        (b'{"summary": 5}', "done"),
        (b'{"summary": " \\n "}', "done"),
        (b"{}", "done"),
        (b"x" * 5_000, "x" * 1_000),
        (b"caf\xff", "caf\ufffd"),
    ],
)
def test_an_answer_always_has_a_summary(output: bytes, summary: str) -> None:
    answer = read_answer(output)
    assert isinstance(answer, AgentAnswer)
    assert answer.summary == summary


@pytest.mark.parametrize("output", [b"{", b'{"summary": }', b'{"a":' * 100_000, b"{\xff}"])
def test_bad_json_is_a_failure_that_another_run_will_not_mend(output: bytes) -> None:
    assert read_answer(output) == AgentFailure(
        "the agent's output starts like JSON and is not", again=False
    )


@given(st.binary(max_size=200))
def test_any_output_gives_an_answer_or_a_failure(output: bytes) -> None:
    assert isinstance(read_answer(output), AgentAnswer | AgentFailure)


def test_an_answer_goes_where_the_task_came_from() -> None:
    effect = effect_of(TASK, AgentAnswer("s", "**yes**", None), "job1")
    assert isinstance(effect, CommentEffect)
    assert (effect.repository, effect.number, effect.concern) == ("acme/shop", 7, "agent-job1")
    assert effect.body.startswith("**yes**")
    assert "Asked for by alice through github with `fix`" in effect.body


def test_without_a_number_it_becomes_an_issue() -> None:
    effect = effect_of(with_task(number=None), AgentAnswer("s", None, None), "job1")
    assert isinstance(effect, IssueEffect)
    assert effect.title == "the parser"
    assert effect.labels == ("hookyard",)


def test_without_a_repository_it_stays_with_the_job() -> None:
    assert effect_of(with_task(repository=None), AgentAnswer("s", None, None), "job1") is None


@pytest.mark.parametrize(
    ("text", "summary", "title"),
    [
        ("\n\n second line", "s", "second line"),
        ("", "sum\nmary", "sum"),
        (" \u2028 ", "s", "s"),
        ("x" * 500, "s", "x" * 120),
        ("", " ", "fix"),
    ],
)
def test_an_issue_always_has_a_title(text: str, summary: str, title: str) -> None:
    task = with_task(number=None, text=text)
    effect = effect_of(task, AgentAnswer(summary, None, None), "job1")
    assert isinstance(effect, IssueEffect)
    assert effect.title == title


def test_names_from_outside_cannot_ping_or_break_out() -> None:
    task = with_task(actor="<!-- @everyone", command="x`@team", provider="slack")
    effect = effect_of(task, AgentAnswer("see @octocat", None, None), "job1")
    assert isinstance(effect, CommentEffect)
    assert "@octocat" not in effect.body
    assert "@everyone" not in effect.body
    assert "<!--" not in effect.body
    assert "x`" not in effect.body


def test_the_environment_holds_nothing_of_ours() -> None:
    ours = {name: "hush" for setting in SETTINGS for name in setting.names}
    base = ours | {"PATH": "/bin", "HOME": "/h", "AGENT_KEY": "theirs", "AWS_SECRET": "hush"}
    found = environment_of(base, {"HOOKYARD_JOB_ID": "j"})
    assert found == {
        "PATH": "/bin",
        "HOME": "/h",
        "AGENT_KEY": "theirs",
        "HOOKYARD_JOB_ID": "j",
    }

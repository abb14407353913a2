"""Proposals may add texts to gaps that are there, and nothing else; without them all stands."""

import asyncio
import json
import sys
from collections.abc import Mapping

import msgspec
import pytest

from hookyard.adapters.http.port import Answer as HttpAnswer
from hookyard.adapters.http.port import Ask, OutboundFailed
from hookyard.features.manifests.build import Inputs, Subject, build
from hookyard.features.manifests.encode import to_json
from hookyard.features.manifests.exec_provider import ExecProvider
from hookyard.features.manifests.http_provider import HttpProvider
from hookyard.features.manifests.proposals import (
    MAX_ANSWER,
    MAX_TEXT,
    Answer,
    Budget,
    Cost,
    Failed,
    Proposal,
    question_of,
    read_answer,
    with_proposals,
)
from hookyard.features.manifests.service import digest_of
from hookyard.kit.json import Json, as_object
from hookyard.kit.secret import Secret

from .samples import given
from .test_tests_of import NEW, OLD

DOCUMENT = to_json(build(Inputs(Subject("acme/shop", 7), [given("src/cart.py", OLD, NEW)])))
BUDGET = Budget(seconds=30.0)
QUESTION = question_of(DOCUMENT, BUDGET)


def added(answer: Answer | Failed, budget: Budget = BUDGET) -> dict[str, Json]:
    return with_proposals(DOCUMENT, "exec:x", QUESTION, answer, budget)


def test_proposals_change_nothing_but_their_own_part() -> None:
    found = added(Answer([Proposal(0, "check\x00 \x1b[0mzero")], Cost(1, 2, 3)))
    assert {k: v for k, v in found.items() if k != "proposals"} == {
        k: v for k, v in DOCUMENT.items() if k != "proposals"
    }
    assert digest_of(found) == digest_of(DOCUMENT)
    record = as_object(found["proposals"])
    assert record["items"] == [{"gap": 0, "text": "check [0mzero"}]
    assert record["cost"] == {"input_tokens": 1, "output_tokens": 2, "micro_usd": 3}
    assert (record["status"], record["refused"]) == ("added", 0)


def test_proposals_for_gaps_that_are_not_there_are_refused_and_counted() -> None:
    record = as_object(
        added(Answer([Proposal(5, "x"), Proposal(0, "y"), Proposal(0, " ")]))["proposals"]
    )
    assert (record["items"], record["refused"]) == ([{"gap": 0, "text": "y"}], 2)
    record = as_object(added(Answer([Proposal(5, "x")]))["proposals"])
    assert (record["status"], record["items"]) == ("refused", [])


def test_no_more_than_the_budget_are_taken() -> None:
    many = Answer([Proposal(0, str(n)) for n in range(10)])
    assert len(as_object(added(many)["proposals"])["items"]) == 3  # type: ignore[arg-type]
    few = as_object(added(many, Budget(proposals=1))["proposals"])
    assert few["items"] == [{"gap": 0, "text": "0"}]


def test_a_failure_leaves_the_manifest_as_it_was_and_says_so() -> None:
    record = as_object(added(Failed("timeout", "no answer within 1 s"))["proposals"])
    assert (record["status"], record["reason"]) == ("timeout", "no answer within 1 s")
    assert record["items"] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"proposals": [{"gap": 0}]}',
        b'{"proposals": [{"gap": "0", "text": "x"}]}',
        b'{"proposals": [{"gap": -1, "text": "x"}]}',
        b'{"proposals": [{"gap": 0, "text": ""}]}',
        b'{"proposals": [{"gap": 0, "text": "x", "verdict": "passed"}]}',
        b'{"proposals": [], "gaps": []}',
        b'{"proposals": [{"gap": 0, "text": "' + b"x" * (MAX_TEXT + 1) + b'"}]}',
        b"[" * 100_000,
        b"x" * (MAX_ANSWER + 1),
    ],
)
def test_answers_that_do_not_fit_their_schema_are_refused(raw: bytes) -> None:
    found = read_answer(raw)
    assert isinstance(found, Failed)
    assert found.status == "refused"


def test_the_question_is_the_same_for_the_same_manifest() -> None:
    assert question_of(DOCUMENT, BUDGET) == QUESTION
    assert json.loads(QUESTION)["manifest"]["gaps"]


def command(code: str) -> ExecProvider:
    return ExecProvider([sys.executable, "-c", code], {"PATH": "/usr/bin", "SECRET": "x"})


async def ask(code: str, budget: Budget = BUDGET) -> Answer | Failed:
    return await command(code).suggest(QUESTION, budget)


async def test_a_command_gets_the_question_and_gives_the_answer() -> None:
    code = (
        "import json, sys; q = json.load(sys.stdin);"
        "gap = q['manifest']['gaps'][0];"
        "print(json.dumps({'proposals': [{'gap': gap['rank'], 'text': gap['name']}]}))"
    )
    assert await ask(code) == Answer([Proposal(0, "total")])


async def test_a_command_sees_a_minimal_environment() -> None:
    code = (
        "import json, os; print(json.dumps({'proposals': [{'gap': 0, 'text':"
        " ','.join(sorted(k for k in os.environ if k in ('PATH', 'SECRET')))}]}))"
    )
    assert await ask(code) == Answer([Proposal(0, "PATH")])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(3)", "failed"),
        ("print('no')", "refused"),
        ("import sys; sys.stdout.write('x' * 2_000_000)", "refused"),
        ("import os; os.close(0); print('{\"proposals\": []} trailing')", "refused"),
    ],
)
async def test_commands_that_fail_are_told_apart(code: str, status: str) -> None:
    found = await ask(code)
    assert isinstance(found, Failed)
    assert found.status == status


async def test_a_command_that_takes_too_long_is_ended_with_all_it_started() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'], stdin=None)"
    code = f"import threading; exec({code!r}) if False else threading.Event().wait()"
    found = await asyncio.wait_for(ask(code, Budget(seconds=0.5)), 60)
    assert found == Failed("timeout", "no answer within 0.5 s")


async def test_a_command_that_is_not_there_is_a_failure() -> None:
    found = await ExecProvider(["/no/such/program"], {}).suggest(QUESTION, BUDGET)
    assert isinstance(found, Failed)
    assert found.status == "failed"


class Endpoint:
    """Answers from a script, and keeps what it was asked."""

    def __init__(self, status: int, body: "Json | bytes", error: Exception | None = None) -> None:
        self.asked: list[Ask] = []
        self._status = status
        self._body = body if isinstance(body, bytes) else msgspec.json.encode(body)
        self._error = error

    async def send(self, ask: Ask) -> HttpAnswer:
        self.asked.append(ask)
        if self._error is not None:
            raise self._error
        return HttpAnswer(self._status, {}, self._body)


def completion(content: str) -> Mapping[str, Json]:
    return {
        "choices": [{"message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 5},
    }


async def test_an_endpoint_is_asked_with_model_and_key() -> None:
    content = '```json\n{"proposals": [{"gap": 0, "text": "zero"}]}\n```'
    endpoint = Endpoint(200, completion(content))
    provider = HttpProvider(endpoint, "https://models.example/v1/", "small", Secret("k3y"))
    assert await provider.suggest(QUESTION, BUDGET) == Answer([Proposal(0, "zero")], Cost(11, 5))
    (ask,) = endpoint.asked
    assert ask.url == "https://models.example/v1/chat/completions"
    assert ask.headers["authorization"] == "Bearer k3y"
    assert "k3y" not in repr(ask)
    body = json.loads(ask.content or b"")
    assert (body["model"], body["temperature"]) == ("small", 0)
    assert body["messages"][1]["content"] == QUESTION.decode()


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        (Endpoint(500, {}), "failed"),
        (Endpoint(200, b"<html>"), "refused"),
        (Endpoint(200, {}), "refused"),
        (Endpoint(200, {"choices": [{"message": {"content": None}}]}), "refused"),
        (Endpoint(200, completion("no")), "refused"),
        (Endpoint(200, {}, OutboundFailed("slow", "no whole answer within 30 s")), "timeout"),
        (Endpoint(200, {}, OutboundFailed("unreachable", "no connection")), "failed"),
    ],
)
async def test_endpoints_that_fail_are_told_apart(endpoint: Endpoint, status: str) -> None:
    provider = HttpProvider(endpoint, "https://models.example/v1", "small", None)
    found = await provider.suggest(QUESTION, BUDGET)
    assert isinstance(found, Failed)
    assert found.status == status

"""From a pull request on GitHub to its stored manifest."""

import json
from dataclasses import replace

import pytest

from hookyard.core.jobs.model import Done, Fail, Hold, NewJob, Retry
from hookyard.features.manifests.gather import OVER_BUDGET, Limits
from hookyard.features.manifests.jobs import Asking, job_for
from hookyard.features.manifests.model import OpenCriterion
from hookyard.features.manifests.proposals import Answer, Budget, Failed, Proposal
from hookyard.kit.json import Json, as_object
from hookyard_sandbox.github import difference

from .conftest import REPOSITORY, Stage

OLD = "def total(items):\n    return sum(items)\n"
NEW = "def total(items):\n    if items is None:\n        return 0\n    return sum(items)\n"
TEST = "from shop.cart import total\n\ndef test_adds():\n    assert total([1]) == 1\n"


async def document(stage: Stage, number: int) -> dict[str, Json]:
    kept = await stage.kept(number)
    assert kept is not None
    found: dict[str, Json] = json.loads(kept.document)
    return found


async def test_a_pull_request_becomes_a_manifest(stage: Stage) -> None:
    stage.criteria = (OpenCriterion("T3", "A cart without items has a total of zero", 42),)
    base = {"src/shop/cart.py": OLD, "src/shop/old.py": "X = 1\n", "tests/test_cart.py": TEST}
    head = {"src/shop/cart.py": NEW, "src/shop/old.py": None, "a b/ü.py": "def f():\n    pass\n"}
    number = stage.pull(base, head)
    done = await stage.work(job_for(REPOSITORY, number))
    assert isinstance(done, Done)
    assert as_object(done.result)["says"] == "3 of 3 files measured"
    found = await document(stage, number)
    symbols = [(s["file"], s["change"], s["name"]) for s in found["symbols"]]  # type: ignore[call-overload,index,union-attr]
    assert symbols == [
        ("a b/ü.py", "added", "f"),
        ("src/shop/cart.py", "modified", "total"),
        ("src/shop/old.py", "modified", "(top level)"),
    ]
    tests = found["symbols"][1]["tests"]  # type: ignore[call-overload,index]
    assert [(t["case"], t["reason"]) for t in tests] == [("test_adds", "reference")]  # type: ignore[call-overload,index,union-attr]
    first = found["suggestions"][0]  # type: ignore[call-overload,index]
    assert (first["criterion"], first["name"]) == (  # type: ignore[call-overload,index]
        "T3",
        "test_T3_a_cart_without_items_has_a_total_of",
    )
    assert [(made.repository, made.number) for made in stage.told] == [(REPOSITORY, number)]


async def test_the_same_commit_gives_the_same_bytes(stage: Stage) -> None:
    number = stage.pull({"src/shop/cart.py": OLD}, {"src/shop/cart.py": NEW})
    await stage.work(job_for(REPOSITORY, number))
    first = await stage.kept(number)
    await stage.work(job_for(REPOSITORY, number))
    again = await stage.kept(number)
    assert first is not None
    assert again is not None
    assert (again.document, again.digest) == (first.document, first.digest)


async def test_files_without_a_patch_are_compared_here(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(difference, "MAX_PATCH_BYTES", 0)
    difference._patch.cache_clear()
    number = stage.pull({"src/shop/cart.py": OLD}, {"src/shop/cart.py": NEW, "new.py": NEW})
    await stage.work(job_for(REPOSITORY, number))
    difference._patch.cache_clear()
    found = await document(stage, number)
    assert found["measured"]["says"] == "2 of 2 files measured"  # type: ignore[call-overload,index]
    assert [(s["change"], s["added"]) for s in found["symbols"]] == [  # type: ignore[call-overload,index,union-attr]
        ("added", [[1, 4]]),
        ("modified", [[2, 3]]),
    ]


async def test_what_no_budget_is_left_for_is_listed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(difference, "MAX_PATCH_BYTES", 0)
    difference._patch.cache_clear()
    number = stage.pull({"a.py": OLD, "b.py": OLD}, {"a.py": NEW, "b.py": NEW})
    await stage.work(job_for(REPOSITORY, number), limits=Limits(blobs=2))
    difference._patch.cache_clear()
    found = await document(stage, number)
    assert found["measured"]["says"] == "1 of 2 files measured"  # type: ignore[call-overload,index]
    assert found["unmeasured"] == [{"path": "b.py", "reason": OVER_BUDGET}]


async def test_binary_files_are_not_measured_and_renames_are(stage: Stage) -> None:
    base = {"logo.bin": b"\x00a", "a.py": OLD}
    head = {"logo.bin": b"\x00b", "a.py": None, "b.py": OLD}
    number = stage.pull(base, head)
    await stage.work(job_for(REPOSITORY, number))
    found = await document(stage, number)
    assert found["unmeasured"] == [{"path": "logo.bin", "reason": "binary"}]
    assert [(f["path"], f["old_path"], f["status"]) for f in found["files"]] == [  # type: ignore[call-overload,index,union-attr]
        ("b.py", "a.py", "renamed"),
        ("logo.bin", None, "modified"),
    ]


async def test_many_files_come_in_pages(stage: Stage) -> None:
    head = {f"src/m{n:03}.py": f"def f{n}():\n    return {n}\n" for n in range(230)}
    number = stage.pull({"a.py": OLD}, head)
    await stage.work(job_for(REPOSITORY, number))
    found = await document(stage, number)
    assert found["measured"]["says"] == "230 of 230 files measured"  # type: ignore[call-overload,index]


async def test_files_past_githubs_limit_are_counted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hookyard_sandbox.github.routes import pullfiles

    monkeypatch.setattr(pullfiles, "MAX_FILES", 1)
    number = stage.pull({"a.py": OLD}, {"a.py": NEW, "b.py": NEW})
    await stage.work(job_for(REPOSITORY, number))
    found = await document(stage, number)
    assert found["measured"]["says"] == "1 of 2 files measured"  # type: ignore[call-overload,index]
    assert "GitHub lists 1 of 2 changed files, 3000 at most" in found["notes"]  # type: ignore[operator]


async def test_a_fork_is_read_through_the_repository_it_asks(stage: Stage) -> None:
    stage.sandbox.create_repository("mallory/Shop")
    stage.sandbox.push(REPOSITORY, {"a.py": OLD})
    stage.sandbox.push("mallory/Shop", {"a.py": OLD})
    stage.sandbox.push("mallory/Shop", {"a.py": NEW}, branch="fix")
    number = stage.sandbox.create_pull(
        REPOSITORY, "fix", "Fix", head_repository="mallory/Shop"
    ).number
    done = await stage.work(job_for(REPOSITORY, number))
    assert isinstance(done, Done)
    found = await document(stage, number)
    assert found["files"][0]["path"] == "a.py"  # type: ignore[call-overload,index]


async def test_a_head_that_github_does_not_show_yet_is_looked_at_again(stage: Stage) -> None:
    number = stage.pull({"a.py": OLD}, {"a.py": NEW})
    outcome = await stage.work(job_for(REPOSITORY, number, head_sha="f" * 40))
    assert isinstance(outcome, Retry)
    assert outcome.code == "lagging"
    assert await stage.kept(number) is None


async def test_each_head_has_its_own_and_the_newest_is_found(stage: Stage) -> None:
    number = stage.pull({"a.py": OLD}, {"a.py": NEW})
    await stage.work(job_for(REPOSITORY, number))
    first = await stage.kept(number)
    stage.clock.advance(5)
    stage.sandbox.push(REPOSITORY, {"b.py": NEW}, branch="change")
    await stage.work(job_for(REPOSITORY, number))
    newest = await stage.kept(number)
    assert first is not None
    assert newest is not None
    assert (first.files, newest.files) == (1, 2)
    assert await stage.kept(number, first.head_sha) == first
    assert await stage.kept(number, "0" * 40) is None


@pytest.mark.parametrize("number", [99, 0, None])
async def test_what_is_not_there_is_said(stage: Stage, number: int | None) -> None:
    job = replace(job_for(REPOSITORY, 99), payload={"repository": REPOSITORY, "number": number})
    outcome = await stage.work(job)
    if number:
        assert isinstance(outcome, Done)
        assert as_object(outcome.result)["status"] == "gone"
    else:
        assert isinstance(outcome, Fail)


async def test_a_limit_holds_the_job(stage: Stage) -> None:
    number = stage.pull({"a.py": OLD}, {"a.py": NEW})
    stage.sandbox.fail("primary_limit", path="/repos/*", times=1)
    assert isinstance(await stage.work(job_for(REPOSITORY, number)), Hold)


class Scripted:
    """A provider that answers as told."""

    name = "scripted"

    def __init__(self, answer: Answer | Failed) -> None:
        self._answer = answer
        self.questions: list[bytes] = []

    async def suggest(self, question: bytes, budget: Budget) -> Answer | Failed:
        self.questions.append(question)
        return self._answer


@pytest.mark.parametrize(
    ("answer", "status"),
    [(Answer([Proposal(0, "zero")]), "added"), (Failed("timeout", "too slow"), "timeout")],
)
async def test_proposals_stand_beside_the_same_manifest(
    stage: Stage, answer: Answer | Failed, status: str
) -> None:
    number = stage.pull({"a.py": OLD}, {"a.py": NEW})
    await stage.work(job_for(REPOSITORY, number))
    plain = await stage.kept(number)
    provider = Scripted(answer)
    done = await stage.work(job_for(REPOSITORY, number), Asking(provider))
    kept = await stage.kept(number)
    assert isinstance(done, Done)
    assert as_object(done.result)["proposals"] == status
    assert plain is not None
    assert kept is not None
    assert kept.digest == plain.digest
    found = json.loads(kept.document)
    assert found.pop("proposals")["status"] == status
    assert {**found, "proposals": None} == json.loads(plain.document)
    assert len(provider.questions) == 1


def test_the_newest_takes_the_place_of_those_before(stage: Stage) -> None:
    job: NewJob = job_for("Acme/Shop", 7, head_sha="a" * 40, installation_id=3)
    assert job.key == "manifest:acme/shop#7"
    assert job.payload == {
        "repository": "Acme/Shop",
        "number": 7,
        "head_sha": "a" * 40,
        "installation_id": 3,
    }

"""Check runs keep GitHub's rules."""

import pytest

from hookyard.kit.json import Json
from tests.support.sandbox import REPOSITORY, Hub


def tip(hub: Hub) -> str:
    return hub.sandbox.repository(REPOSITORY).branches["main"]


def remarks(count: int, **changes: Json) -> list[Json]:
    one: dict[str, Json] = {
        "path": "src/cart.py",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "notice",
        "message": "look",
    }
    return [one | changes for _ in range(count)]


def output(count: int = 0, **changes: Json) -> dict[str, Json]:
    return {"title": "T", "summary": "S", "annotations": remarks(count), **changes}


async def create(hub: Hub, expected: int = 201, /, **body: Json) -> dict[str, Json]:
    sent: dict[str, Json] = {"name": "hookyard/criteria", "head_sha": tip(hub), **body}
    answer = await hub.repo("POST", "/check-runs", sent)
    assert answer.status_code == expected, answer.text
    made: dict[str, Json] = answer.json()
    return made


async def test_the_external_id_is_kept(hub: Hub) -> None:
    made = await create(hub, external_id="effect-7")
    shown = (await hub.repo("GET", f"/check-runs/{made['id']}")).json()
    assert shown["external_id"] == "effect-7"
    assert shown["status"] == "queued"
    assert shown["app"]["id"] == hub.app.id
    changed = await hub.repo("PATCH", f"/check-runs/{made['id']}", {"status": "in_progress"})
    assert changed.json()["external_id"] == "effect-7"


async def test_at_most_50_annotations_in_one_request(hub: Hub) -> None:
    await create(hub, 422, output=output(51))
    assert hub.sandbox.history(kind="check_run") == []
    made = await create(hub, output=output(50))
    path = f"/check-runs/{made['id']}"
    assert (await hub.repo("PATCH", path, {"output": output(51)})).status_code == 422
    assert (await hub.repo("GET", path)).json()["output"]["annotations_count"] == 50


async def test_annotations_are_appended(hub: Hub) -> None:
    made = await create(hub, output=output(50))
    path = f"/check-runs/{made['id']}"
    for _ in range(2):
        await hub.repo("PATCH", path, {"output": output(30)})
    shown = (await hub.repo("GET", path)).json()
    assert shown["output"]["annotations_count"] == 110
    listed = await hub.repo("GET", path + "/annotations?per_page=100")
    assert len(listed.json()) == 100
    assert listed.links["next"]["url"].endswith("page=2")


@pytest.mark.parametrize(
    "body",
    [
        {"head_sha": "0" * 40},
        {"name": ""},
        {"status": "done"},
        {"conclusion": "great"},
        {"conclusion": "stale"},
        {"status": "completed"},
        {"completed_at": "2026-01-01T00:00:00Z"},
        {"started_at": "yesterday"},
        {"output": {"summary": "S"}},
        {"output": {"title": "T"}},
        {"output": output(text="x" * 65_536)},
        {"output": output(summary="x" * 65_536)},
        {"output": output(annotations=remarks(1, annotation_level="odd"))},
        {"output": output(annotations=remarks(1, end_line=0))},
        {"output": output(annotations=remarks(1, start_column=1, end_line=2))},
        {"output": output(annotations=remarks(1, message="x" * 65_537))},
        {"output": output(annotations=remarks(1, title="x" * 256))},
        {"output": output(annotations=[{"path": "a"}])},
    ],
)
async def test_a_bad_check_run_is_refused_and_changes_nothing(
    hub: Hub, body: dict[str, Json]
) -> None:
    await create(hub, 422, **body)
    assert hub.sandbox.history(kind="check_run") == []


@pytest.mark.parametrize("missing", ["name", "head_sha"])
async def test_name_and_sha_are_needed(hub: Hub, missing: str) -> None:
    body: dict[str, Json] = {"name": "x", "head_sha": tip(hub)}
    del body[missing]
    answer = await hub.repo("POST", "/check-runs", body)
    assert answer.status_code == 422
    assert missing in answer.json()["message"]


async def test_a_conclusion_completes(hub: Hub) -> None:
    made = await create(hub)
    changed = await hub.repo("PATCH", f"/check-runs/{made['id']}", {"conclusion": "success"})
    shown = changed.json()
    assert (shown["status"], shown["conclusion"]) == ("completed", "success")
    assert shown["completed_at"] is not None


async def test_a_run_can_be_started_again(hub: Hub) -> None:
    made = await create(hub, conclusion="failure")
    changed = await hub.repo("PATCH", f"/check-runs/{made['id']}", {"status": "in_progress"})
    assert (changed.json()["conclusion"], changed.json()["completed_at"]) == (None, None)


async def test_only_the_app_that_made_a_run_changes_it(hub: Hub) -> None:
    made = await create(hub)
    other = hub.sandbox.register_app("Other")
    token = hub.sandbox.mint(hub.sandbox.create_installation(other))
    path = f"/check-runs/{made['id']}"
    answer = await hub.repo("PATCH", path, {"conclusion": "success"}, token=token)
    assert answer.status_code == 403
    assert (await hub.repo("GET", path, token=token)).json()["conclusion"] is None


async def test_lists_show_the_latest_of_each_name_unless_all_is_asked(hub: Hub) -> None:
    first = await create(hub)
    second = await create(hub)
    third = await create(hub, name="hookyard/coverage", status="in_progress")

    async def ids(query: str) -> list[Json]:
        answer = (await hub.repo("GET", f"/commits/main/check-runs?{query}")).json()
        assert answer["total_count"] == len(answer["check_runs"])
        return [r["id"] for r in answer["check_runs"]]

    assert await ids("") == [third["id"], second["id"]]
    assert await ids("filter=all") == [third["id"], second["id"], first["id"]]
    assert await ids("check_name=hookyard/criteria&filter=all") == [second["id"], first["id"]]
    assert await ids("status=in_progress") == [third["id"]]
    assert await ids(f"app_id={hub.app.id}&check_name=hookyard/coverage") == [third["id"]]
    assert await ids("app_id=1") == []


async def test_runs_of_an_unknown_commit_are_refused(hub: Hub) -> None:
    assert (await hub.repo("GET", f"/commits/{'0' * 40}/check-runs")).status_code == 422
    assert (await hub.repo("GET", "/check-runs/1")).status_code == 404


@pytest.mark.parametrize(
    ("sha", "state"), [("0" * 40, "success"), ("main", "success"), ("", "odd")]
)
async def test_a_bad_status_is_refused(hub: Hub, sha: str, state: str) -> None:
    answer = await hub.repo("POST", f"/statuses/{sha or tip(hub)}", {"state": state})
    assert answer.status_code == 422

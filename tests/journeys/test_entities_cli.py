"""`hookyard entities` as people run it, on both databases: plans, what is done, what is refused."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import structlog
from click.testing import CliRunner

from hookyard.entrypoints.cli.main import cli
from tests.journeys.conftest import make_yard, serving
from tests.support.postgres import PostgresServer
from tests.support.processes import NAMES

LIMIT_S = 100
TASKS = """\
entities:
  tasks:
    id: {field: taskId, make: ulid, client: true}
    fields:
      title: {type: string, max: 200, required: true}
      points: int
    indexes:
      - [points]
"""
MORE = TASKS.replace("      points: int\n", "      points: int\n      due: timestamp\n")
LESS = TASKS.replace("      points: int\n", "").replace("    indexes:\n      - [points]\n", "")


@dataclass
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, object]:
        return dict(json.loads(self.out))


@dataclass
class Place:
    """A folder, and the settings of the database that commands run there work on."""

    folder: Path
    environ: dict[str, str]

    def entities(self, *words: str, text: str | None = None) -> Said:
        """`hookyard entities …` on `entities.yml`, which `text` is written to before."""
        if text is not None:
            (self.folder / "entities.yml").write_text(text)
        found = CliRunner().invoke(cli, ["entities", words[0], "entities.yml", *words[1:]])
        assert found.exception is None or isinstance(found.exception, SystemExit)
        return Said(found.exit_code, found.stdout, found.stderr)

    def process(self, *words: str) -> Said:
        """The same in a process of its own."""
        ended = subprocess.run(
            [sys.executable, "-m", "hookyard", "entities", words[0], "entities.yml", *words[1:]],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT_S,
        )  # fmt: skip
        return Said(ended.returncode, ended.stdout, ended.stderr)

    def call(self, method: str, path: str, body: object = None) -> httpx2.Response:
        """One request to a server that is started for it, and has stopped after it."""

        async def ask() -> httpx2.Response:
            yard = await make_yard(self.folder, self.environ)
            try:
                async with serving(yard) as client:
                    return await client.call(method, path, body)
            finally:
                await yard.close()

        return asyncio.run(ask())


@pytest.fixture(params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    for name in NAMES & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOOKYARD_DATA_DIR", "data")
    if request.param == "sqlite":
        yield Place(tmp_path, {})
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        name = server.create_database()
        monkeypatch.setenv("DATABASE_URL", server.url(name))
        yield Place(tmp_path, {"DATABASE_URL": server.url(name)})
        server.drop_database(name)
    structlog.contextvars.clear_contextvars()


def test_a_plan_is_shown_carried_out_once_and_grows_without_loss(place: Place) -> None:
    planned = place.entities("apply", "--dry-run", text=TASKS)
    assert (planned.code, planned.out) == (0, "would create entity tasks (3 fields)\n")
    again = place.entities("apply", "--dry-run", "--json").json()
    step = {"kind": "create entity", "entity": "tasks", "what": "(3 fields)",
            "destructive": False, "loses": ""}  # fmt: skip
    assert again == {"applied": False, "steps": [step]}
    done = place.entities("apply")
    assert (done.code, done.out, done.err) == (0, "create entity tasks (3 fields)\n", "")
    made = place.call("POST", "/v1/tasks", {"taskId": "t-1", "title": "One", "points": 3})
    assert made.status_code == 201, made.text
    wider = place.entities("apply", text=MORE)
    assert (wider.code, wider.out) == (0, "add field tasks.due: timestamp\n")
    kept = place.call("GET", "/v1/tasks/t-1").json()
    assert (kept["title"], kept["points"], kept["due"]) == ("One", 3, None)
    for _ in range(2):
        idle = place.entities("apply")
        assert (idle.code, idle.out) == (0, "nothing to do: the tables are as the file says\n")
    assert place.entities("apply", "--json").json() == {"applied": True, "steps": []}


def test_what_loses_data_is_refused_by_name_unless_it_is_allowed(place: Place) -> None:
    assert place.entities("apply", text=TASKS).code == 0
    assert place.call(
        "POST", "/v1/tasks", {"taskId": "t-1", "title": "One", "points": 3}
    ).is_success
    plan = (
        "would drop index tasks on points\n"
        "would drop field tasks.points  (destructive: its values go)\n"
    )
    why = "hookyard: this loses data, and needs --allow-destructive: drop field tasks.points\n"
    for words in (("--dry-run",), ()):
        refused = place.entities("apply", *words, text=LESS)
        assert (refused.code, refused.out, refused.err) == (1, plan, why)
    told = place.entities("apply", "--json")
    assert (told.code, told.err) == (1, why)
    assert told.json()["applied"] is False
    assert [step["destructive"] for step in told.json()["steps"]] == [False, True]  # type: ignore[attr-defined]
    assert place.call("GET", "/v1/tasks/t-1").json()["points"] == 3
    allowed = place.entities("apply", "--allow-destructive", "--json").json()
    assert allowed["applied"] is True
    assert [
        (step["kind"], step["what"], step["destructive"], step["loses"])
        for step in allowed["steps"]  # type: ignore[attr-defined]
    ] == [
        ("drop index", "on points", False, ""),
        ("drop field", "points", True, "its values go"),
    ]
    assert "points" not in place.call("GET", "/v1/tasks/t-1").json()
    gone = place.entities("apply", text=TASKS.replace("tasks:", "other:"))
    assert (gone.code, gone.err) == (
        1, "hookyard: this loses data, and needs --allow-destructive: drop entity tasks\n",
    )  # fmt: skip


def test_a_file_that_is_wrong_says_where_and_how_to_mend_it_and_changes_nothing(
    place: Place,
) -> None:
    wrong = TASKS.replace("points: int", "points: whole").replace("client: true", "client: maybe")
    wrong += "  Notes: {id: {make: ulid}}\n"
    said = (
        "hookyard: entities.yml cannot be used:\n"
        "  line 3, entities.tasks.id.client: must be true or false\n"
        "  line 6, entities.tasks.fields.points: must be one of string, text, int, float, bool, "
        "timestamp, json, enum, vector, id\n"
        "  line 9, entities.Notes: an entity is named by words of a-z and 0-9 with dashes, 40 "
        "long\n"
    )
    for command in ("validate", "apply"):
        refused = place.entities(command, text=wrong)
        assert (refused.code, refused.out, refused.err) == (1, "", said)
    told = place.entities("validate", "--json")
    assert (told.code, told.json()["valid"], told.err) == (1, False, said)
    assert [(one["line"], one["path"]) for one in told.json()["mistakes"]] == [  # type: ignore[attr-defined]
        (3, "entities.tasks.id.client"), (6, "entities.tasks.fields.points"), (9, "entities.Notes"),
    ]  # fmt: skip
    broken = place.entities("apply", text="entities: {tasks: [")
    assert broken.code == 1
    assert "line 1, file: " in broken.err
    lost = TASKS + "    relations:\n      owner: {one: people, by: title}\n"
    nowhere = place.entities("apply", text=lost)
    assert nowhere.code == 1
    assert nowhere.err.startswith("hookyard: entities.tasks.relations.owner: there is no entity")
    fine = place.entities("validate", text=TASKS)
    assert (fine.code, fine.out) == (0, "entities.yml is valid: tasks\n")
    assert place.entities("apply", "--dry-run", "--json").json()["steps"] != []


def test_with_postgres_a_server_goes_on_and_notices_with_sqlite_it_has_to_be_stopped(
    place: Place,
) -> None:
    (place.folder / "entities.yml").write_text(TASKS)

    async def both() -> tuple[Said, list[httpx2.Response]]:
        yard = await make_yard(place.folder, place.environ)
        try:
            async with serving(yard) as client:
                answers = [await client.get("/v1/tasks")]
                said = await asyncio.to_thread(place.process, "apply")
                answers.append(await client.call("POST", "/v1/tasks", {"title": "One"}))
                return said, answers
        finally:
            await yard.close()

    said, answers = asyncio.run(both())
    codes = [answer.status_code for answer in answers]
    if place.environ:
        assert (said.code, said.out, said.err) == (0, "create entity tasks (3 fields)\n", "")
        assert codes == [404, 201]
    else:
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith("hookyard: "), said.err
        assert len(said.err.splitlines()) == 1
        assert codes == [404, 404]

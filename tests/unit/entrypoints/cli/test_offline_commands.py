"""Commands that need no server: what they print, and their exit codes."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hookyard.entrypoints.cli.main import ENTRIES, cli

ISSUE = "## Acceptance criteria\n- [ ] it works\n- [x] it is fast\n"


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words that lead to every command and group."""
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        assert found is not None
        yield (*path, name)
        if isinstance(found, click.Group):
            yield from every_command(found, (*path, name))


@pytest.mark.parametrize("words", list(every_command(cli)), ids=" ".join)
def test_every_command_explains_itself_with_an_example(run, words: tuple[str, ...]) -> None:
    found = run(*words, "--help")
    assert found.exit_code == 0
    assert f"hookyard {words[0]}" in found.stdout.split("Usage:")[1].split("\n", 1)[1]
    assert max(len(line) for line in found.stdout.splitlines()) <= 100


def test_the_table_of_commands_is_complete(run) -> None:
    found = run("--help")
    assert all(entry.name in found.stdout for entry in ENTRIES)


def test_help_imports_no_server() -> None:
    program = (
        "import sys; from hookyard.entrypoints.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print('|'.join(sorted(sys.modules)))"
    )
    for words in (["--help"], ["jobs", "list", "--help"], ["up", "--help"], ["doctor", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True
        )
        modules = set(done.stdout.splitlines()[-1].split("|"))
        heavy = {"uvicorn", "fastapi", "alembic", "sqlalchemy", "pydantic", "httpx2", "asyncpg"}
        assert modules & heavy == set(), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "No such command 'nothing'."),
        (["jbs"], "Did you mean 'jobs'?"),
        (["jobs", "show", "short"], "'short' is no id"),
        (["jobs", "list", "--state", "done"], "'done' is not one of"),
        (["jobs", "retry"], "give ids, or a filter"),
        (["deliveries", "list", "--limit", "0"], "0 is not in the range"),
        (["jobs", "list", "--url", "ftp://x"], "must look like http://host:port"),
        (["jobs", "list", "--key", "no\nkey"], "characters that no key has"),
        (["serve"], "Missing argument"),
        (["serve", "everything"], "there is no role 'everything'; the roles are gateway"),
        (["worker", "--lanes", "fast"], "--lanes must be some of critical, high"),
        (["up", "--port", "70000"], "70000 is not in the range"),
        (["hooks", "send", "-"], "--provider is needed"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_fix(run, words: list[str], said: str) -> None:
    found = run(*words)
    assert found.exit_code == 2, found.output
    assert said in found.stderr
    assert found.stdout == ""


def test_nobody_there_ends_with_1_and_one_line(run) -> None:
    for words in (["jobs", "list"], ["keys", "list"], ["hooks", "replay", "."]):
        found = run(*words, "--url", "http://127.0.0.1:1")
        assert found.exit_code == 1
        assert len(found.stderr.splitlines()) == 1
    assert (
        "hookyard: nothing answers at http://127.0.0.1:1; start it with `hookyard up`"
        in run("jobs", "list", HOOKYARD_URL="http://127.0.0.1:1").stderr
    )


# --- criteria ---


def test_criteria_of_a_file_as_a_table(run, tmp_path: Path) -> None:
    (tmp_path / "issue.md").write_text(ISSUE)
    found = run("criteria", "extract", "issue.md")
    assert found.exit_code == 0
    assert found.stdout.splitlines()[0] == "confidence  high"
    assert "T2  [x]  3     task         it is fast" in found.stdout


def test_criteria_that_their_author_struck_out_say_so(run) -> None:
    found = run("criteria", "extract", "-", stdin="## Acceptance criteria\n- holds\n- ~~gone~~\n")
    holds, gone = found.stdout.splitlines()[-2:]
    assert "waived" in gone
    assert "waived" not in holds


def test_criteria_of_standard_input_as_json(run) -> None:
    found = json.loads(run("criteria", "extract", "-", "--json", stdin=ISSUE).stdout)
    assert set(found) == {"confidence", "reason", "cut", "items"}
    first = found["items"][0]
    wanted = {"id": "T1", "text": "it works", "checked": False, "group": "", "line": 2,
              "kind": "task"}  # fmt: skip
    assert wanted.items() <= first.items()


def test_no_criteria_is_an_answer_not_a_failure(run) -> None:
    found = run("criteria", "extract", "-", "--json", stdin=b"\xff\xfe nothing")
    assert found.exit_code == 0
    assert json.loads(found.stdout)["confidence"] == "none"


# --- manifest ---

DIFF = """diff --git a/src/shop/cart.py b/src/shop/cart.py
--- a/src/shop/cart.py
+++ b/src/shop/cart.py
@@ -1,2 +1,4 @@ def total(items):
 def total(items):
+    if items is None:
+        return 0
     return sum(items)
"""


def shop(folder: Path) -> None:
    (folder / "src/shop").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "src/shop/cart.py").write_text(
        "def total(items):\n    if items is None:\n        return 0\n    return sum(items)\n"
    )
    (folder / "tests/test_cart.py").write_text(
        "from shop.cart import total\n\ndef test_sums():\n    assert total([1]) == 1\n"
    )


def test_a_manifest_of_a_diff_alone_goes_by_its_hunks(run) -> None:
    found = json.loads(run("manifest", "-", "--json", stdin=DIFF).stdout)
    assert found["measured"]["says"] == "1 of 1 files measured"
    (symbol,) = found["symbols"]
    assert (symbol["name"], symbol["precision"], symbol["added"]) == ("total", "hunk", [[2, 3]])


def test_a_manifest_with_the_files_goes_by_their_syntax(run, tmp_path: Path) -> None:
    shop(tmp_path)
    found = json.loads(run("manifest", "-", "--root", ".", "--json", stdin=DIFF).stdout)
    (symbol,) = found["symbols"]
    assert (symbol["change"], symbol["precision"], symbol["complexity"]) == (
        "modified",
        "syntax",
        2,
    )
    assert [(t["file"], t["case"]) for t in symbol["tests"]] == [
        ("tests/test_cart.py", "test_sums")
    ]


def test_a_manifest_as_tables_names_gaps_and_what_to_write(run, tmp_path: Path) -> None:
    shop(tmp_path)
    (tmp_path / "tests/test_cart.py").unlink()
    found = run("manifest", "-", "--root", ".", stdin=DIFF)
    assert found.exit_code == 0
    assert found.stdout.splitlines()[0] == "measured     1 of 1 files measured"
    assert "no test is known for it" in found.stdout
    assert "test_total" in found.stdout


def test_a_coverage_report_says_what_did_not_run(run, tmp_path: Path) -> None:
    shop(tmp_path)
    report = {"files": {"src/shop/cart.py": {"executed_lines": [1, 2, 4], "missing_lines": [3]}}}
    (tmp_path / "coverage.json").write_text(json.dumps(report))
    words = ("manifest", "-", "--root", ".", "--coverage", "coverage.json", "--json")
    found = json.loads(run(*words, stdin=DIFF).stdout)
    assert found["gaps"][0]["reasons"] == [
        {"code": "uncovered_lines", "detail": "1 of 2 changed lines did not run"}
    ]


def test_paths_of_a_diff_do_not_lead_out_of_the_folder(run, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("def secret():\n    pass\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.py").symlink_to(tmp_path / "outside.py")
    for name in ("../outside.py", "link.py"):
        diff = DIFF.replace("src/shop/cart.py", name)
        found = json.loads(run("manifest", "-", "--root", "inside", "--json", stdin=diff).stdout)
        assert found["files"][0]["note"] == "not in the folder"


def test_what_is_no_diff_is_refused(run) -> None:
    found = run("manifest", "-", stdin="hello\n")
    assert (found.exit_code, found.stderr) == (1, "hookyard: - holds no diff\n")


# --- config ---


def test_a_valid_file_is_said_to_be_valid(run) -> None:
    found = run("config", "validate", "-", stdin="lanes:\n  fix: high\n")
    assert (found.exit_code, found.stdout) == (0, "- is valid\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("lanes:\n  fix: fast\n", 2),
        ("a: &x 1\nb: *x\n", 2),
        ("enabled: true\nunknown: 1\n", 2),
        ("{{{", 1),
        ("\x00", 1),
    ],
)
def test_a_wrong_file_ends_with_line_and_reason(run, tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "c.yml").write_text(text)
    found = run("config", "validate", "c.yml")
    assert found.exit_code == 1
    assert found.stderr.startswith(f"hookyard: c.yml:{line}: ")
    told = run("config", "validate", "c.yml", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["line"] == line


def test_a_file_that_is_not_there_is_one_line(run) -> None:
    found = run("config", "validate", "none.yml")
    assert found.exit_code == 1
    assert found.stderr == "hookyard: none.yml cannot be read: No such file or directory\n"


def test_explain_says_what_holds_and_where_it_comes_from(run, tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("commands:\n  allow: [Bob]\nlanes:\n  Fix: high\n")
    found = run("config", "explain", "c.yml").stdout.splitlines()
    assert 'commands.allow = ["bob"]  (c.yml)' in found
    assert "lanes.fix = high  (c.yml)" in found
    assert "commands.minimum_permission = write  (default)" in found
    told = json.loads(run("config", "explain", "c.yml", "--json").stdout)
    assert told["config"]["lanes"] == {"fix": "high"}
    assert told["from"]["ignore.bots"] == "default"


def test_explain_without_a_file_shows_the_defaults(run) -> None:
    found = run("config", "explain")
    assert found.exit_code == 0
    assert all(line.endswith("(default)") for line in found.stdout.splitlines())


def test_the_schema_is_json(run) -> None:
    assert json.loads(run("config", "schema").stdout)["title"]


# --- openapi and migrate ---


def test_openapi_is_printed_without_a_server_and_leaves_nothing(run, tmp_path: Path) -> None:
    found = json.loads(run("openapi").stdout)
    assert {"/api/jobs", "/api/deliveries", "/api/effects"} <= set(found["paths"])
    assert list(tmp_path.iterdir()) == []


def test_openapi_of_records_is_for_roles_and_declared_entities(run, tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("entities: {tasks: {id: {field: taskId, make: ulid}}}")
    found = json.loads(run("openapi", "--records", "--entities", "e.yml").stdout)
    assert {"/v1/users", "/v1/tasks", "/v1/_transact"} <= set(found["paths"])
    low = json.loads(run("openapi", "--records", "--role", "viewer").stdout)
    assert "post" not in low["paths"]["/v1/users"]
    types = run("openapi", "--records", "--typescript").stdout
    assert "export interface Users {" in types
    for wrong in (["--typescript"], ["--records", "--role", "king"], ["--role", "admin"]):
        assert run("openapi", *wrong).exit_code == 2
    (tmp_path / "bad.yml").write_text("entities: {tasks: {}}")
    assert run("openapi", "--records", "--entities", "bad.yml").exit_code == 1


def test_migrate_says_what_it_did(run, tmp_path: Path) -> None:
    first = run("migrate", HOOKYARD_DATA_DIR="d")
    assert first.exit_code == 0
    assert "went from empty to " in first.stdout
    again = run("migrate", HOOKYARD_DATA_DIR="d")
    assert "already, nothing to do" in again.stdout
    assert (tmp_path / "d" / "hookyard.db").exists()


def test_a_file_that_is_no_database_is_one_line(run, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d" / "hookyard.db").write_bytes(b"this is no database at all" * 100)
    found = run("migrate", HOOKYARD_DATA_DIR="d")
    assert found.exit_code == 1
    assert found.stderr == (
        "hookyard: HOOKYARD_DATA_DIR: the database d/hookyard.db cannot be opened: "
        "file is not a database\n"
    )


def test_a_postgres_that_is_not_there_is_one_line(run) -> None:
    found = run("migrate", DATABASE_URL="postgresql://u:hush-hush@127.0.0.1:1/x")
    assert found.exit_code == 1
    assert len(found.stderr.splitlines()) == 1
    assert "check DATABASE_URL" in found.stderr
    assert "hush" not in found.output


def test_a_newer_database_is_left_alone(run, tmp_path: Path) -> None:
    run("migrate", HOOKYARD_DATA_DIR="d")
    with sqlite3.connect(tmp_path / "d" / "hookyard.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    found = run("migrate", HOOKYARD_DATA_DIR="d")
    assert found.exit_code == 1
    assert "9999, newer than this program's" in found.stderr


REPORT = """<testsuite name="s"><testcase classname="c" name="T1::a" time="0.5"/>
<testcase classname="c" name="b&#9;x"><failure message="no"/></testcase></testsuite>"""


def test_a_report_is_read_from_a_file_or_standard_input(run, tmp_path: Path) -> None:
    file = tmp_path / "anything.log"
    file.write_text(REPORT)
    found = run("results", "parse", str(file), "--json")
    assert found.exit_code == 0
    shape = json.loads(found.stdout)
    kept = ("dialect", "tests", "passed", "failed", "errors", "skipped", "flaky", "truncated")
    assert [shape[key] for key in kept] == ["junit", 2, 1, 1, 0, 0, 0, False]
    assert shape["duration_s"] == 0.5
    assert [(c["name"], c["outcome"], c["ids"]) for c in shape["cases"]] == [
        ("T1::a", "passed", ["T1"]),
        ("b\tx", "failed", []),
    ]
    piped = run("results", "parse", "-", "--json", stdin=REPORT)
    assert json.loads(piped.stdout)["cases"] == shape["cases"]
    shown = run("results", "parse", str(file))
    assert "2 tests: 1 passed, 1 failed" in shown.stdout
    assert len(json.loads(run("results", "parse", str(file), str(file), "--json").stdout)) == 2


def test_what_is_no_report_is_refused_with_its_reason(run, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text("<html/>")
    found = run("results", "parse", str(file))
    assert found.exit_code == 1
    assert "<html> is the root of no test report" in found.stderr
    assert run("results", "parse", str(tmp_path / "absent")).exit_code == 1

"""Nobody reaches past their border: stores, commits, clocks, the terminal."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.house import borders
from tests.house.tree import ROOT, Source, load

Rule = Callable[[Iterable[Source]], list[str]]


def in_tree(tmp_path: Path, path: str, text: str) -> list[Source]:
    """A tree of one file at this path."""
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return load(tmp_path, path.split("/")[0])


def test_no_room_reads_another_rooms_store() -> None:
    assert borders.foreign_stores(load(ROOT, "src")) == []


def test_only_the_database_adapter_ends_transactions() -> None:
    assert borders.commits_below_the_edge(load(ROOT, "src/hookyard")) == []


def test_every_entry_of_the_trail_names_its_tenant() -> None:
    assert borders.entries_without_tenant(load(ROOT, "src/hookyard")) == []


def test_only_the_command_line_prints() -> None:
    assert borders.prints(load(ROOT, "src", "tests")) == []


def test_time_comes_from_the_clock() -> None:
    assert borders.own_clocks(load(ROOT, "src/hookyard")) == []


def test_product_waits_by_the_clock() -> None:
    assert borders.own_sleeps(load(ROOT, "src/hookyard")) == []


def test_decoders_are_made_on_import() -> None:
    assert borders.lazy_decoders(load(ROOT, "src/hookyard")) == []


def test_tests_do_not_sleep() -> None:
    assert borders.own_sleeps(load(ROOT, "tests")) == []


def test_kit_stands_on_the_standard_library() -> None:
    assert borders.kit_strangers(load(ROOT, "src/hookyard/kit")) == []


BAD: list[tuple[Rule, str, str]] = [
    (
        borders.entries_without_tenant,
        "src/hookyard/core/jobs/api.py",
        "audit.done(unit, actor.label, 'jobs.start', 'job:1', 1)",
    ),
    (
        borders.entries_without_tenant,
        "src/hookyard/core/jobs/pauses_api.py",
        "AuditEntry('user:1', 'jobs.pause', 'kind:x')",
    ),
    (
        borders.foreign_stores,
        "src/hookyard/core/jobs/service.py",
        "from hookyard.core.tokens import store",
    ),
    (
        borders.foreign_stores,
        "src/hookyard/core/jobs/service.py",
        "from hookyard.core.tokens.store import TABLE",
    ),
    (
        borders.foreign_stores,
        "src/hookyard/core/jobs/service.py",
        "import hookyard.core.tokens.store",
    ),
    (borders.foreign_stores, "src/hookyard/core/jobs/service.py", "from ..tokens import store"),
    (borders.foreign_stores, "src/hookyard/core/jobs/__init__.py", "from ..tokens.store import T"),
    (
        borders.foreign_stores,
        "src/hookyard/entrypoints/http/a.py",
        "def f():\n    from hookyard.features.records.store_index import T",
    ),
    (borders.commits_below_the_edge, "src/hookyard/core/jobs/service.py", "connection.commit()"),
    (
        borders.commits_below_the_edge,
        "src/hookyard/core/jobs/service.py",
        "with engine.begin(): ...",
    ),
    (borders.commits_below_the_edge, "src/hookyard/core/jobs/store.py", "run('COMMIT;')"),
    (borders.commits_below_the_edge, "src/hookyard/core/jobs/store.py", "run('BEGIN IMMEDIATE')"),
    (borders.prints, "src/hookyard/core/jobs/service.py", "print('x')"),
    (borders.own_clocks, "src/hookyard/core/jobs/service.py", "import time\ntime.time()"),
    (
        borders.own_clocks,
        "src/hookyard/core/jobs/service.py",
        "from datetime import datetime as d\nd.now(tz=None)",
    ),
    (
        borders.own_clocks,
        "src/hookyard/core/jobs/service.py",
        "import datetime\ndatetime.date.today()",
    ),
    (borders.own_sleeps, "tests/unit/test_a.py", "import time as t\nt.sleep(1)"),
    (borders.own_sleeps, "tests/unit/test_a.py", "from asyncio import sleep\nawait_(sleep(0.1))"),
    (
        borders.lazy_decoders,
        "src/hookyard/core/jobs/store.py",
        "import msgspec\nmsgspec.json.decode(b'', type=Thing)",
    ),
    (
        borders.lazy_decoders,
        "src/hookyard/core/jobs/store.py",
        "from msgspec import convert\nconvert({}, dict[str, Thing])",
    ),
    (borders.kit_strangers, "src/hookyard/kit/a.py", "import yaml"),
    (borders.kit_strangers, "src/hookyard/kit/a.py", "from hookyard.core.jobs import model"),
]

GOOD: list[tuple[Rule, str, str]] = [
    (
        borders.foreign_stores,
        "src/hookyard/core/jobs/service.py",
        "from hookyard.core.jobs import store",
    ),
    (
        borders.foreign_stores,
        "src/hookyard/core/jobs/service.py",
        "from hookyard.core.tokens import service",
    ),
    (
        borders.foreign_stores,
        "src/hookyard/registry/__init__.py",
        "from hookyard.core.jobs import store",
    ),
    (borders.commits_below_the_edge, "src/hookyard/adapters/database/backends/a.py", "c.commit()"),
    (
        borders.commits_below_the_edge,
        "src/hookyard/core/jobs/store.py",
        "run('Begin here, or end')",
    ),
    (borders.prints, "src/hookyard/entrypoints/cli/a.py", "print('x')"),
    (
        borders.lazy_decoders,
        "src/hookyard/core/jobs/store.py",
        "import msgspec\nmsgspec.json.decode(b'', type=dict[str, str])\nmsgspec.json.decode(b'')",
    ),
    (borders.own_clocks, "src/hookyard/kit/clock.py", "import time\ntime.time()"),
    (borders.own_clocks, "src/hookyard/core/jobs/service.py", "import time\ntime.perf_counter()"),
    (borders.own_sleeps, "tests/unit/test_a.py", "import asyncio\nasyncio.sleep(0)"),
    (
        borders.own_sleeps,
        "tests/unit/test_a.py",
        "import time\ntime.sleep(1)  # why: the server has no signal that it is up",
    ),
    (borders.own_sleeps, "tests/unit/test_a.py", "clock.sleep(1)"),
    (borders.kit_strangers, "src/hookyard/kit/a.py", "import json\nfrom hookyard.kit import ids"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_what_breaks_a_rule_is_found(tmp_path: Path, rule: Rule, path: str, text: str) -> None:
    assert len(rule(in_tree(tmp_path, path, text + "\n"))) == 1


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_what_keeps_a_rule_is_let_through(tmp_path: Path, rule: Rule, path: str, text: str) -> None:
    assert rule(in_tree(tmp_path, path, text + "\n")) == []

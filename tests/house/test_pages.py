"""The pages people rely on say what is so."""

import re
from pathlib import Path

import pytest

from hookyard.settings import SETTINGS
from tests.house import pages
from tests.house.tree import ROOT, load, tracked

HOUSE = ROOT / "docs/house.md"
DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)")


def write(root: Path, path: str, text: str = "") -> None:
    """A file, and the folders above it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_every_room_is_in_the_tour() -> None:
    assert pages.room_differences(ROOT / "src/hookyard", HOUSE.read_text()) == []


def test_a_room_and_a_page_that_differ_are_found(tmp_path: Path) -> None:
    for room in ("core/jobs", "core/new", "core/soon"):
        write(tmp_path, f"{room}/__init__.py")
    page = "| `core/jobs` | x | here |\n| `core/gone` | x | here |\n| `core/soon` | x | planned |\n"
    assert pages.room_differences(tmp_path, page) == [
        "core/new: not in the page",
        "core/soon: planned, yet it is here",
        "core/gone: not here",
    ]


def test_every_kind_of_job_is_registered() -> None:
    assert pages.unregistered_kinds(load(ROOT, "src/hookyard")) == []


def test_an_unregistered_kind_is_found(tmp_path: Path) -> None:
    kind = "from hookyard.core.jobs.model import JobKind\nKIND = JobKind({})\n"
    write(tmp_path, "src/hookyard/core/a/jobs.py", kind.format('"a.known"'))
    write(tmp_path, "src/hookyard/core/b/jobs.py", kind.format('name="b.lost"'))
    assert pages.unregistered_kinds(load(tmp_path, "src")) == []
    write(tmp_path, "src/hookyard/registry/__init__.py", "from hookyard.core.a.jobs import KIND\n")
    assert pages.unregistered_kinds(load(tmp_path, "src")) == [
        "src/hookyard/core/b/jobs.py:2 'b.lost'"
    ]


def test_every_setting_is_in_env_example() -> None:
    names = [setting.name for setting in SETTINGS]
    assert pages.unlisted_settings(names, (ROOT / "env.example").read_text()) == []


def test_every_other_name_of_a_setting_is_in_env_example() -> None:
    text = (ROOT / "env.example").read_text()
    others = [name for setting in SETTINGS for name in setting.also]
    assert [name for name in others if not re.search(rf"\b{name}\b", text)] == []


def test_env_example_shows_the_defaults() -> None:
    defaults = {s.name: "" if s.default in (None, ()) else str(s.default) for s in SETTINGS}
    defaults |= {s.name: str(s.default).lower() for s in SETTINGS if isinstance(s.default, bool)}
    assert pages.wrong_defaults(defaults, (ROOT / "env.example").read_text()) == []


def test_a_wrong_default_is_found() -> None:
    assert pages.wrong_defaults({"A_ONE": "1", "B_TWO": ""}, "# A_ONE=2\n# B_TWO=\n") == [
        "A_ONE: the default is '1', shown is '2'"
    ]


def test_a_kind_made_for_a_name_as_it_comes_is_no_declaration(tmp_path: Path) -> None:
    write(tmp_path, "src/hookyard/core/a/x.py", "def kind(name):\n    return JobKind(name)\n")
    write(tmp_path, "src/hookyard/registry/__init__.py", "import json\n")
    assert pages.unregistered_kinds(load(tmp_path, "src")) == []


def test_settings_and_example_that_differ_are_found() -> None:
    assert pages.unlisted_settings(["A_ONE", "B_TWO"], "# A_ONE=1\nC_THREE=\n# A_ONE=2\n") == [
        "B_TWO: not in env.example",
        "C_THREE: no such setting",
        "A_ONE: listed twice",
    ]


def test_change_log_keeps_its_form() -> None:
    assert pages.changelog_faults((ROOT / "CHANGELOG.md").read_text()) == []


def test_a_change_log_without_unreleased_is_found() -> None:
    text = "# Changelog\n## [1.0.0] - 2026-01-02\n### Added\n## 0.9\n### News\n"
    assert pages.changelog_faults(text) == [
        "no such kind of change: News",
        "the first version must be [Unreleased]",
        "not a version with its day: 0.9",
    ]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_has_every_part(path: Path) -> None:
    assert pages.decision_faults(path.name, path.read_text()) == []


def test_a_decision_without_parts_is_found() -> None:
    assert pages.decision_faults("0007-x.md", "# Hot routes\n\n## Context\n") == [
        "0007-x.md: title lacks its number",
        "0007-x.md: no status",
        "0007-x.md: headings are not the five",
    ]


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(len(DECISIONS)))


def test_every_decision_is_in_the_tour() -> None:
    page = HOUSE.read_text()
    records = DECISIONS[1:]
    assert [path.name for path in records if f"(decisions/{path.name})" not in page] == []


@pytest.mark.parametrize(
    "page",
    [path for path in tracked() if path.suffix == ".md"],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []

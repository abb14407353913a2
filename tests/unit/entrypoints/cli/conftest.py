"""The command as people call it, in this process, in a folder of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hookyard.entrypoints.cli.main import cli
from hookyard.settings import SETTINGS

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("config", "validate", …, stdin=…, NAME=value)`: its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    for setting in SETTINGS:
        for name in setting.names:
            monkeypatch.delenv(name, raising=False)

    def call(*words: str, stdin: str | bytes | None = None, **environ: str) -> Result:
        found = CliRunner().invoke(cli, list(words), input=stdin, env=environ)
        assert "Traceback" not in found.output
        assert found.exception is None or isinstance(found.exception, SystemExit)
        return found

    return call

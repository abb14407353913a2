"""What the doctor says of trusted issuers."""

from pathlib import Path

import pytest

from hookyard.entrypoints.cli.doctor.issuers import issuers
from hookyard.entrypoints.cli.doctor.model import Finding, Level
from hookyard.kit.clock import SystemClock
from hookyard.settings import load_settings
from hookyard_sandbox.oidc.issuer import Issuer
from tests.support.tokens import SECRET

FILE = """
issuers:
  - id: gha
    kind: github-actions
    issuer: {issuer}
    rules:
      - {{name: by-id, role: ingest, repository_id: "1"}}
      - {{name: by-name, role: ingest, repository: acme/shop}}
"""


async def found(folder: Path, text: str | None = None, **environ: str) -> list[Finding]:
    if text is not None:
        (folder / "issuers.yml").write_text(text)
        environ["HOOKYARD_ISSUERS_FILE"] = str(folder / "issuers.yml")
    public = {"HOOKYARD_PUBLIC_URL": "https://hookyard.example"}
    settings = load_settings(public | environ, folder=folder)
    return await issuers(settings, environ, SystemClock())


async def test_nothing_is_said_where_nobody_is_trusted(tmp_path: Path) -> None:
    assert await found(tmp_path) == []


async def test_what_plain_settings_leave_open_is_a_warning(tmp_path: Path) -> None:
    wide = await found(tmp_path, JWT_SECRET=SECRET)
    assert [f.level for f in wide] == [Level.OK, Level.WARN, Level.WARN]
    assert {f.fix for f in wide[1:]} == {"set JWT_ISSUER", "set JWT_AUDIENCE"}
    tight = await found(tmp_path, JWT_SECRET=SECRET, JWT_ISSUER="i", JWT_AUDIENCE="a")
    assert [f.level for f in tight] == [Level.OK]
    assert SECRET not in repr(wide)


async def test_keys_are_read_and_rules_by_name_are_named(tmp_path: Path) -> None:
    with Issuer() as issuer:
        text = FILE.format(issuer=issuer.address)
        good = await found(tmp_path, text, HOOKYARD_OUTBOUND_ALLOW="127.0.0.1")
        assert [f.level for f in good] == [Level.OK, Level.WARN]
        assert "by-name" in good[1].detail
        refused = await found(tmp_path, text)
        assert refused[0].level is Level.BAD
        assert "HOOKYARD_OUTBOUND_ALLOW" in refused[0].detail
        issuer.keys.clear()
        empty = await found(tmp_path, text, HOOKYARD_OUTBOUND_ALLOW="127.0.0.1")
        assert (empty[0].level, "no key" in empty[0].detail) == (Level.BAD, True)


@pytest.mark.parametrize("environ", [{"JWT_SECRET": "planted-short"}, {"JWT_ISSUER": "alone"}])
async def test_what_stops_the_start_is_bad(tmp_path: Path, environ: dict[str, str]) -> None:
    (one,) = await found(tmp_path, **environ)
    assert one.level is Level.BAD
    assert "planted" not in repr(one)

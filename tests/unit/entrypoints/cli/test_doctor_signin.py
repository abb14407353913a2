"""What the doctor says of signing in."""

import re
from pathlib import Path

import pytest

from hookyard.entrypoints.cli.doctor.model import Finding, Level
from hookyard.entrypoints.cli.doctor.signin import sign_in
from hookyard.kit.clock import SystemClock
from hookyard.settings import load_settings
from hookyard_sandbox.oidc.issuer import Issuer

HERE = "https://hookyard.example"
GITHUB = {"GITHUB_OAUTH_CLIENT_ID": "Iv23liabc", "GITHUB_OAUTH_CLIENT_SECRET": "planted-secret"}


async def found(folder: Path, environ: dict[str, str], public: str | None = HERE) -> list[Finding]:
    given = dict(environ)
    if public:
        given["HOOKYARD_PUBLIC_URL"] = public
    return await sign_in(load_settings(given, folder=folder), SystemClock())


def oidc(issuer: Issuer, **more: str) -> dict[str, str]:
    given = {"OIDC_ISSUER": issuer.address, "OIDC_CLIENT_ID": "hookyard"}
    return given | {"HOOKYARD_OUTBOUND_ALLOW": "127.0.0.1"} | more


async def test_nothing_is_said_where_nobody_signs_in(tmp_path: Path) -> None:
    assert await found(tmp_path, {}) == []


async def test_the_address_people_come_back_to_is_named(tmp_path: Path) -> None:
    good = await found(tmp_path, GITHUB)
    assert [f.level for f in good] == [Level.OK, Level.OK]
    assert f"{HERE}/auth/callback" in good[0].detail
    assert "planted" not in repr(good)


@pytest.mark.parametrize("public", [None, "http://hookyard.example"])
async def test_an_address_nobody_can_safely_come_back_to_is_bad(
    tmp_path: Path, public: str | None
) -> None:
    first = (await found(tmp_path, GITHUB, public))[0]
    assert first.level is Level.BAD
    assert "HOOKYARD_PUBLIC_URL" in first.fix


async def test_an_app_id_in_the_place_of_a_client_id_is_found(tmp_path: Path) -> None:
    wrong = await found(tmp_path, GITHUB | {"GITHUB_OAUTH_CLIENT_ID": "123456"})
    assert (wrong[1].level, "client id" in wrong[1].fix) == (Level.BAD, True)


async def test_an_issuer_is_reached_and_its_clock_compared(tmp_path: Path) -> None:
    with Issuer() as issuer:
        good = await found(tmp_path, oidc(issuer))
        assert [f.level for f in good] == [Level.OK, Level.OK]
        assert f"{HERE}/auth/oidc/callback" in good[0].detail
        issuer.faults.skew_ms = 600_000
        late = (await found(tmp_path, oidc(issuer)))[-1]
        assert (late.level, "NTP" in late.fix) == (Level.WARN, True)
        assert re.search(r"\+(599|600) s from ours", late.detail)


async def test_an_issuer_that_cannot_be_used_is_bad_and_says_why(tmp_path: Path) -> None:
    with Issuer() as issuer:
        spelled = await found(tmp_path, oidc(issuer, OIDC_ISSUER=issuer.address + "/"))
        assert (spelled[-1].level, "letter by letter" in spelled[-1].fix) == (Level.BAD, True)
        hidden = await found(tmp_path, oidc(issuer, HOOKYARD_OUTBOUND_ALLOW=""))
        assert hidden[-1].level is Level.BAD
        issuer.faults.discovery = {"code_challenge_methods_supported": ["plain"]}
        plain = await found(tmp_path, oidc(issuer))
        assert any(f.level is Level.BAD and "PKCE" in f.detail for f in plain)
        issuer.faults.clear()
        issuer.keys.clear()
        keyless = await found(tmp_path, oidc(issuer))
        assert any(f.level is Level.BAD and "no key" in f.detail for f in keyless)
    gone = await found(tmp_path, oidc(issuer))
    assert gone[-1].level is Level.BAD

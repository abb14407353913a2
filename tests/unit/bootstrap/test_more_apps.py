"""Apps of the sources file are opened with their own keys, and wrong ones are named."""

from pathlib import Path

import pytest

from hookyard.bootstrap.listeners import CallListeners
from hookyard.bootstrap.opening import GitHubApp, open_more_apps
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import load_settings
from tests.support.github import private_key


def opened(folder: Path, entry: str, environ: dict[str, str] | None = None) -> list[GitHubApp]:
    file = folder / "sources.yml"
    file.write_text(f"apps:\n  - {entry}\n", encoding="utf-8")
    given = {"HOOKYARD_SOURCES_FILE": str(file), "KEY": private_key(), **(environ or {})}
    settings = load_settings(given, folder=folder)
    return open_more_apps(settings, given, ManualClock(), CallListeners())


async def test_app_with_a_key_of_its_own_is_opened(tmp_path: Path) -> None:
    (app,) = opened(tmp_path, "{name: deploy, id: 7, private_key_env: KEY}")
    assert (app.name, app.identity.app_id) == ("deploy", 7)
    assert (await app.jwt.token()).count(".") == 2
    await app.client.close()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{name: main, id: 7, private_key_env: KEY}", "called main"),
        ("{name: a, id: 7, signer: 'ftp:key'}", "the App a in HOOKYARD_SOURCES_FILE: signer"),
        ("{name: a, id: 7, private_key_env: BAD}", "the App a in HOOKYARD_SOURCES_FILE is not"),
        ("{name: a, id: 42, private_key_env: KEY}", "that of GITHUB_APP_ID already"),
    ],
)
def test_app_that_cannot_be_opened_is_named(tmp_path: Path, entry: str, reason: str) -> None:
    main = {"GITHUB_APP_ID": "42", "GITHUB_PRIVATE_KEY": private_key(), "BAD": "no key at all"}
    with pytest.raises(ConfigurationError, match=reason) as caught:
        opened(tmp_path, entry, main)
    assert "no key at all" not in str(caught.value)

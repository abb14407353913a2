"""`hookyard github setup`: an App made on the simulated GitHub, stored, and reached by its ping."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hookyard.bootstrap.keeping import load_settings
from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.processes import LIMIT_S, NAMES
from tests.support.registering import Registrar, manifest_in

SETUP = ("github", "setup", "--no-browser", "--json", "--organization", "acme")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Desk:
    """A folder, a GitHub, and the commands run there."""

    folder: Path
    sandbox: Sandbox
    port: int
    browser: Registrar

    @property
    def here(self) -> str:
        """Where GitHub reaches us."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings of every command."""
        return {
            "HOOKYARD_DATA_DIR": str(self.folder / "data"),
            "HOOKYARD_PUBLIC_URL": self.here,
            "HOOKYARD_PORT": str(self.port),
            "GITHUB_API_BASE_URL": self.sandbox.base_url,
            "HOOKYARD_RECOVER": "off",
        }

    def begin(self, *words: str, **environ: str) -> "subprocess.Popen[str]":
        """Start a command."""
        kept = {name: value for name, value in os.environ.items() if name not in NAMES}
        return subprocess.Popen(
            [sys.executable, "-m", "hookyard", *words],
            env={**kept, **self.environ, **environ},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stored(self) -> Mapping[str, bytes]:
        """Every secret that lies in the folder, by name."""
        return {p.name: p.read_bytes() for p in (self.folder / "data/secrets").iterdir()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    browser = Registrar()
    with Sandbox() as sandbox:
        yield Desk(tmp_path, sandbox, free_port(), browser)
    browser.close()


def opened(command: "subprocess.Popen[str]") -> str:
    """The address a command asks to be opened."""
    assert command.stderr is not None
    for line in command.stderr:
        if line.startswith("Open "):
            return line.removeprefix("Open ").strip()
    raise AssertionError(f"no address; ended with {command.wait(LIMIT_S)}")


def test_an_app_is_made_stored_and_reached(desk: Desk) -> None:
    command = desk.begin(*SETUP)
    page = desk.browser.open(opened(command))
    assert page.status_code == 200
    manifest = manifest_in(page.text)
    back = desk.browser.back(page.text)
    done = desk.browser.open(back)
    out, err = command.communicate(timeout=LIMIT_S)
    assert command.returncode == 0, err
    found = json.loads(out)
    app = desk.sandbox.world.apps[found["app_id"]]
    assert (app.owner.login, app.slug) == ("acme", "hookyard")
    assert app.events == manifest["default_events"]
    assert app.hook.url == f"{desk.here}/webhooks/github"
    assert found["delivered"]
    assert "GitHub reaches this server" in done.text
    secrets = desk.stored()
    assert set(secrets) == {
        "github-private-key",
        "github-webhook-secret",
        "github-oauth-client-secret",
    }
    assert secrets["github-webhook-secret"].decode() == app.hook.secret
    told = out + err + "".join(desk.browser.seen)
    for value in secrets.values():
        assert value.decode().strip() not in told
        assert value.decode().strip().splitlines()[-2:][0] not in told
    data = desk.folder / "data"
    for path in (data, data / "github-app.env", *data.glob("secrets"), *data.glob("secrets/*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_server_then_starts_with_what_was_stored(desk: Desk) -> None:
    command = desk.begin(*SETUP)
    page = desk.browser.open(opened(command))
    desk.browser.open(desk.browser.back(page.text))
    found = json.loads(command.communicate(timeout=LIMIT_S)[0])
    settings = load_settings(desk.environ, folder=desk.folder)
    assert settings.github.app_id == str(found["app_id"])
    assert settings.github.app_slug == "hookyard"
    assert settings.sign_in.github_client_id is not None
    (secret,) = settings.sources.github
    assert secret.reveal() == desk.sandbox.world.apps[found["app_id"]].hook.secret
    looked = desk.begin("doctor", "--json")
    checks = json.loads(looked.communicate(timeout=LIMIT_S)[0])["checks"]
    by_name = {check["name"]: check for check in checks}
    assert by_name["GitHub App"]["level"] == "ok"
    again = desk.begin(*SETUP)
    _, err = again.communicate(timeout=LIMIT_S)
    assert again.returncode == 1
    assert "is configured already" in err


def test_a_public_url_that_leads_nowhere_is_said_and_ends_with_one(desk: Desk) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    command = desk.begin(*SETUP, "--public-url", dead)
    page = desk.browser.open(opened(command))
    back = desk.browser.back(page.text)
    assert "does not reach this server" in desk.browser.open(back).text
    out, err = command.communicate(timeout=LIMIT_S + 60)
    assert command.returncode == 1
    assert f"GitHub cannot reach {dead}/webhooks/github" in json.loads(out)["ping"]
    assert "did not arrive" in err
    assert (desk.folder / "data/github-app.env").exists()


def test_only_the_browser_that_opened_the_page_can_end_it(desk: Desk) -> None:
    command = desk.begin(*SETUP)
    address = opened(command)
    page = desk.browser.open(address)
    stranger = Registrar()
    assert stranger.open(address).status_code == 403
    assert stranger.open(re.sub("key=.*", "key=guess", address)).status_code == 403
    back = desk.browser.back(page.text)
    refused = stranger.open(back)
    assert refused.status_code == 409
    assert "another browser" in refused.text
    forged = re.sub(r"state=[^&]+", "state=forged", back)
    assert desk.browser.open(forged).status_code == 409
    assert desk.browser.open(back).status_code == 200
    stranger.close()
    assert command.communicate(timeout=LIMIT_S)[0]
    assert command.returncode == 0


def test_a_code_that_was_used_already_is_refused_with_what_to_do(desk: Desk) -> None:
    command = desk.begin(*SETUP)
    page = desk.browser.open(opened(command))
    back = desk.browser.back(page.text)
    code = re.search("code=([0-9a-f]+)", back)
    assert code is not None
    taken = desk.browser.http.post(
        f"{desk.sandbox.base_url}/app-manifests/{code[1]}/conversions",
        headers={"user-agent": "somebody else"},
    )
    assert taken.status_code == 201
    assert desk.browser.open(back).status_code == 502
    _, err = command.communicate(timeout=LIMIT_S)
    assert command.returncode == 1
    assert "delete it there" in err
    assert not (desk.folder / "data/github-app.env").exists()


@pytest.mark.parametrize(
    ("environ", "words", "said"),
    [
        ({"HOOKYARD_SECRET_SOURCES": "env:"}, (), "HOOKYARD_SECRET_SOURCES=file:"),
        ({"HOOKYARD_PUBLIC_URL": ""}, (), "give --public-url"),
        ({}, ("--name", "x" * 35), "1 to 34 characters"),
        ({}, ("--organization", "../evil"), "organisation must be its name"),
        ({}, ("--public-url", "ftp://x"), "no address of a server"),
    ],
)
def test_what_cannot_work_is_refused_before_github_is_asked(
    desk: Desk, environ: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    command = desk.begin(*SETUP, *words, **environ)
    _, err = command.communicate(timeout=LIMIT_S)
    assert command.returncode == 1
    assert said in err
    assert not desk.sandbox.world.apps

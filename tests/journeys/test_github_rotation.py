"""`hookyard github rotate-webhook-secret` under a running server, and killed anywhere."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from hookyard_sandbox.github.model import App
from hookyard_sandbox.github.sandbox import Sandbox
from hookyard_sandbox.senders import signed_request
from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.test_github_setup import SETUP, Desk, free_port, opened
from tests.support.processes import ADMIN, LIMIT_S
from tests.support.registering import Registrar

ROTATE = ("github", "rotate-webhook-secret", "--json")


class Served(Desk):
    """A desk whose App is made, and a server that runs."""

    app: App
    server: "subprocess.Popen[str]"

    def up(self) -> None:
        """Start the server; returns once it answers."""
        self.server = self.begin("up", HOOKYARD_ADMIN_KEY=ADMIN)
        assert self.server.stderr is not None
        for line in self.server.stderr:
            if '"ready"' in line:
                return
        raise AssertionError("the server did not start")

    def takes(self, secret: str, number: int) -> int:
        """What the server answers to a delivery under this secret."""
        payload = GitHubScene().issue_opened(number, "A title", "text")
        signed = signed_request(
            "github", payload, secret, event="issues", delivery_id=f"rotation-{number}"
        )
        with httpx2.Client(timeout=20, trust_env=False) as http:
            answer = http.post(self.here + signed.path, content=signed.body, headers=signed.headers)
        return answer.status_code

    def rotate(self, *words: str) -> tuple[dict[str, object], str, int]:
        """Run the command to its end."""
        command = self.begin(*ROTATE, *words)
        out, err = command.communicate(timeout=LIMIT_S + 60)
        return (json.loads(out) if out else {}), err, command.returncode

    def secret(self, name: str = "github-webhook-secret") -> str:
        """A secret as it lies in the folder; "" when it does not."""
        path = self.folder / "data/secrets" / name
        return path.read_text() if path.exists() else ""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    browser = Registrar()
    with Sandbox() as sandbox:
        desk = Served(tmp_path, sandbox, free_port(), browser)
        command = desk.begin(*SETUP)
        page = browser.open(opened(command))
        browser.open(browser.back(page.text))
        assert command.communicate(timeout=LIMIT_S)[0]
        (desk.app,) = sandbox.world.apps.values()
        desk.up()
        yield desk
        desk.server.send_signal(signal.SIGTERM)
        desk.server.communicate(timeout=LIMIT_S)
    browser.close()


def test_the_secret_is_exchanged_and_nothing_is_refused(served: Served) -> None:
    old = served.app.hook.secret
    found, err, code = served.rotate()
    assert code == 0, err
    assert (found["finished"], found["resumed"], found["step"]) == (True, False, "done")
    new = served.app.hook.secret
    assert new == served.secret() != old
    assert not served.secret("github-webhook-secret.previous")
    assert served.takes(new, 1) == 202
    assert new not in err + json.dumps(found)
    assert old not in err + json.dumps(found)
    refused = [one for one in served.sandbox.world.deliveries if one.status_code == 401]
    # the very first ping came before anybody knew the secret
    assert all(one.event == "ping" and not one.redelivery for one in refused)


@pytest.mark.parametrize(
    ("method", "path", "step"),
    [
        ("GET", "/app/hook/config", "stored"),
        ("PATCH", "/app/hook/config", "accepted"),
        ("GET", "/app/hook/deliveries", "told"),
    ],
)
def test_killed_at_any_step_it_goes_on_and_both_are_accepted_meanwhile(
    served: Served, method: str, path: str, step: str
) -> None:
    old = served.app.hook.secret
    served.sandbox.fail("slow", times=1, method=method, path=path, delay_s=20.0)
    command = served.begin(*ROTATE)
    assert command.stderr is not None
    for line in command.stderr:
        if line.startswith(step):
            break
    os.kill(command.pid, signal.SIGKILL)
    command.communicate(timeout=LIMIT_S)
    served.sandbox.faults.clear()
    assert served.secret("github-webhook-secret.previous") == old
    assert served.takes(served.app.hook.secret, 1) == 202
    assert served.takes(old, 2) == 202
    found, err, code = served.rotate()
    assert code == 0, err
    assert found["resumed"]
    assert "begun before" in err
    assert served.app.hook.secret == served.secret() != old
    assert not served.secret("github-webhook-secret.previous")


def test_while_the_server_is_away_both_stay_accepted_and_it_says_to_come_back(
    served: Served,
) -> None:
    old = served.app.hook.secret
    served.server.send_signal(signal.SIGTERM)
    served.server.communicate(timeout=LIMIT_S)
    found, err, code = served.rotate("--seconds", "5")
    assert code == 1
    assert (found["finished"], found["step"]) == (False, "told")
    assert "cannot be reached from here" in err
    assert "both are still accepted; run this again" in err
    assert served.secret("github-webhook-secret.previous") == old
    served.up()
    assert served.takes(served.app.hook.secret, 1) == 202
    found, err, code = served.rotate()
    assert code == 0, err
    assert (found["finished"], found["resumed"]) == (True, True)

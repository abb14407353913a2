"""The simulated GitHub on a real port: threads, broken connections, its own process."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.sandbox import REPOSITORY, one_key


@pytest.fixture
def served() -> "Served":
    return Served()


class Served:
    """A served sandbox with an App."""

    def __enter__(self) -> "Served":
        self.sandbox = Sandbox().start()
        self.sandbox.create_repository(REPOSITORY)
        app = self.sandbox.register_app(private_key=one_key())
        self.installation = self.sandbox.create_installation(app)
        self.sandbox.create_issue(REPOSITORY, "One")
        token = self.sandbox.mint(self.installation)
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx2.Client(base_url=self.sandbox.base_url, headers=headers)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.sandbox.stop()

    def comment(self, body: str) -> httpx2.Response:
        return self.client.post(f"/repos/{REPOSITORY}/issues/1/comments", json={"body": body})


def test_a_reset_connection_hides_a_call_that_landed(served: Served) -> None:
    with served:
        assert served.comment("warm up").status_code == 201
        served.sandbox.fail("reset", method="POST")
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            served.comment("landed")
        served.sandbox.fail("drop", method="POST")
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            served.comment("lost")
        bodies = [x["body"] for x in served.sandbox.history(kind="comment")]
        assert bodies == ["warm up", "landed"]
        assert served.client.get(f"/repos/{REPOSITORY}").status_code == 200


def test_people_and_the_app_act_at_the_same_time(served: Served) -> None:
    with served:
        people = threading.Thread(
            target=lambda: [served.sandbox.create_comment(REPOSITORY, 1, "hand") for _ in range(30)]
        )
        people.start()
        for _ in range(20):
            assert served.comment("app").status_code == 201
        people.join()
        comments = served.sandbox.repository(REPOSITORY).issues[1].comments
        assert len(comments) == len({c.id for c in comments}) == 50


def test_addresses_lead_back_to_the_server(served: Served) -> None:
    with served:
        url = served.comment("x").headers["location"]
        assert url.startswith(served.sandbox.base_url)
        assert served.client.get(url).json()["body"] == "x"


def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    command = [sys.executable, "-m", "hookyard_sandbox.serve", "--key-file", str(key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        ready = json.loads(process.stdout.readline())
        assert httpx2.get(ready["ready"] + "/meta").status_code == 200
        assert "acme" in ready["installations"]
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == b""

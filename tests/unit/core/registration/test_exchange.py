"""The webhook secret exchanged: broken off after every step and by every fault of GitHub's."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from hookyard.adapters.github.apphook import AppHook
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.port import GitHubError
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.adapters.secrets.backends.folder import FolderSource
from hookyard.bootstrap.registering import WEBHOOK_SECRET, Shelf
from hookyard.core.registration.exchange import SecretExchange, Stand, Step
from hookyard.kit.secret import Secret
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from tests.support.github import HastyClock, private_key

OLD = "planted-old-secret-of-the-app"
URL = "https://hookyard.example.com/webhooks/github"


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Bench:
    """A shelf in a folder, GitHub, and a server that accepts what lies on the shelf."""

    sandbox: Sandbox
    app: RegisteredApp
    clock: HastyClock
    hook: AppHook
    shelf: Shelf
    reads: bool = True
    knocks: int | None = 202

    def server(self, delivery: HookDelivery) -> None:
        """Answer a delivery as a server would that reads the shelf at every request."""
        accepted = self.files() if self.reads else [OLD]
        found = delivery.headers["X-Hub-Signature-256"].removeprefix("sha256=")
        good = any(
            hmac.new(key.encode(), delivery.body, hashlib.sha256).hexdigest() == found
            for key in accepted
        )
        delivery.status_code, delivery.status = (202, "OK") if good else (401, "Unauthorized")

    def files(self) -> list[str]:
        """What lies in the folder, the current one first."""
        folder = Path(self.shelf.label.removeprefix("file:"))
        return [path.read_text() for path in sorted(folder.glob("github-webhook-secret*"))]

    async def knock(self, url: str, secret: Secret) -> int | None:
        """Ask the server."""
        assert url == URL
        if self.knocks != 202:
            return self.knocks
        return 202 if secret.reveal() in self.files() else 401

    async def run(self, kill_after: Step | None = None, patience_s: float = 60.0) -> Stand:
        """One run of the command; killed once a step is told."""

        def told(step: Step, _line: str) -> None:
            if step is kill_after:
                raise Killed

        exchange = SecretExchange(self.shelf, self.hook, self.knock, self.clock, told)
        return await exchange.run(patience_s)

    def is_sound(self) -> bool:
        """Whether the server accepts what GitHub signs with."""
        return self.app.app.hook.secret in self.files()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = HastyClock()
    with Sandbox(clock) as sandbox:
        app = sandbox.register_app(
            webhook_url=URL, webhook_secret=OLD, private_key=private_key(), events=["issues"]
        )
        wire = Wire(WireOptions(base_url=sandbox.base_url, trust_env=False))
        jwt = AppJwt(str(app.id), private_key(), clock)
        github = GitHubClient(wire, jwt, clock, random=Random(1))
        source = FolderSource(tmp_path / "secrets", clock)
        made = Bench(sandbox, app, clock, AppHook(github), Shelf(source))
        sandbox.hooks.deliver = made.server
        await source.put(WEBHOOK_SECRET, OLD.encode())
        sandbox.hooks.flush()
        yield made
        await wire.close()


async def test_it_ends_with_a_new_secret_alone(bench: Bench) -> None:
    stand = await bench.run()
    assert (stand.finished, stand.resumed, stand.step) == (True, False, Step.DONE)
    (left,) = bench.files()
    assert left == bench.app.app.hook.secret != OLD
    assert len(left) == 64


@pytest.mark.parametrize("step", list(Step))
async def test_killed_after_any_step_the_next_run_ends_it(bench: Bench, step: Step) -> None:
    with pytest.raises(Killed):
        await bench.run(kill_after=step)
    assert bench.is_sound()
    assert step is Step.DONE or OLD in bench.files()
    stand = await bench.run()
    assert stand.finished
    assert stand.resumed is (step is not Step.DONE)
    assert bench.files() == [bench.app.app.hook.secret]
    assert OLD not in bench.files()


@pytest.mark.parametrize("kind", ["drop", "reset", "error", "error_after"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/app/hook/config"),
        ("PATCH", "/app/hook/config"),
        ("GET", "/app/hook/deliveries"),
        ("POST", "/app/hook/deliveries/*"),
    ],
)
async def test_whatever_github_does_both_are_accepted_until_it_is_proven(
    bench: Bench, kind: str, method: str, path: str
) -> None:
    bench.sandbox.fail(kind, times=None, method=method, path=path)
    with pytest.raises(GitHubError):
        await bench.run(patience_s=20.0)
    assert bench.is_sound()
    assert OLD in bench.files()
    bench.sandbox.faults.clear()
    assert (await bench.run()).finished
    assert bench.files() == [bench.app.app.hook.secret]


async def test_a_server_that_refuses_the_new_secret_keeps_github_from_being_told(
    bench: Bench,
) -> None:
    bench.knocks = 401
    stand = await bench.run()
    assert (stand.finished, stand.step) == (False, Step.STORED)
    assert "GitHub was not told" in stand.detail
    assert bench.app.app.hook.secret == OLD
    bench.knocks = 202
    assert (await bench.run()).finished


async def test_nothing_is_let_go_of_while_deliveries_are_refused(bench: Bench) -> None:
    bench.reads = False
    bench.knocks = None
    stand = await bench.run()
    assert (stand.finished, stand.step) == (False, Step.TOLD)
    assert OLD in bench.files()


async def test_a_delivery_under_the_old_secret_is_no_proof(bench: Bench) -> None:
    def told(step: Step, _line: str) -> None:
        if step is Step.TOLD:  # GitHub said yes, and goes on with the former one
            bench.app.app.hook.secret = OLD

    exchange = SecretExchange(bench.shelf, bench.hook, bench.knock, bench.clock, told)
    stand = await exchange.run(30.0)
    assert (stand.finished, stand.step) == (False, Step.TOLD)
    again = [one for one in bench.sandbox.world.deliveries if one.redelivery]
    assert again
    assert all(one.status_code == 202 for one in again)
    assert OLD in bench.files()

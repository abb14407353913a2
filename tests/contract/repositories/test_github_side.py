"""Configuration, permissions and reconciliation, read from the simulated GitHub."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from random import Random

import msgspec
import pytest

from hookyard.adapters.database.port import Database
from hookyard.adapters.github.appjwt import AppJwt
from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.client import GitHubClient
from hookyard.adapters.github.port import GitHubFailed, GitHubMissing
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.core.repositories.config import CommandsConfig, ConfigInvalid, RepositoryConfig
from hookyard.core.repositories.permissions import Permissions
from hookyard.core.repositories.reader import ConfigReader
from hookyard.core.repositories.service import apply_installation_event, list_repositories
from hookyard.core.repositories.sync import sync_installation
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Invalid
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import Sandbox
from hookyard_sandbox.github.webhooks import payload_of
from tests.support.github import HastyClock, Script, answer, private_key

DEFAULTS = RepositoryConfig(commands=CommandsConfig(minimum_permission="maintain"))


@dataclass
class Bench:
    sandbox: Sandbox
    clock: HastyClock
    github: GitHubClient
    database: Database
    installation_id: int
    delivered: list[HookDelivery]

    def reader(self) -> ConfigReader:
        return ConfigReader(self.database, self.github, self.clock, DEFAULTS)

    def asked(self, word: str) -> int:
        return sum(1 for _, path, _ in self.sandbox.gateway.seen if word in path)

    async def names(self) -> list[str]:
        page = await self.database.read(list_repositories)
        return [one.full_name for one in page.items]

    async def hear(self) -> None:
        """Apply every webhook the sandbox has made since."""
        for delivery in self.delivered:
            payload = msgspec.json.decode(payload_of(delivery))
            event, action = delivery.event, delivery.action
            await self.database.write(
                lambda unit, e=event, a=action, p=payload: apply_installation_event(  # type: ignore[misc]
                    unit, e, a, p, self.clock.now_ms()
                )
            )
        self.delivered.clear()


class OneToken:
    """A source that has one token and keeps it."""

    def __init__(self, token: AccessToken) -> None:
        self._token = token

    async def token(self, installation_id: int) -> AccessToken:
        return self._token

    def reject(self, token: AccessToken) -> None:
        raise AssertionError("nobody refused it")


@pytest.fixture
def delivered() -> list[HookDelivery]:
    return []


@pytest.fixture
def sandbox(clock: ManualClock, delivered: list[HookDelivery]) -> Iterator[Sandbox]:
    with Sandbox(clock, deliver=delivered.append) as running:
        yield running


@pytest.fixture
async def bench(
    sandbox: Sandbox, database: Database, delivered: list[HookDelivery]
) -> AsyncIterator[Bench]:
    clock = HastyClock(sandbox.world.now_ms())
    app = sandbox.register_app(private_key=private_key())
    sandbox.create_repository("acme/shop", collaborators={"mia": "maintain", "tess": "triage"})
    installation = sandbox.create_installation(app)
    wire = Wire(WireOptions(base_url=sandbox.base_url, trust_env=False))
    client = GitHubClient(wire, AppJwt(str(app.id), private_key(), clock), clock, random=Random(1))
    github = client.with_tokens(InstallationTokens(client, clock))
    yield Bench(sandbox, clock, github, database, installation.id, delivered)
    await wire.close()


async def test_configuration_is_read_at_the_commit_and_only_once(bench: Bench) -> None:
    commit = bench.sandbox.push("acme/shop", {".hookyard.yml": "enabled: false\n"})
    bench.sandbox.push("acme/shop", {".hookyard.yml": "enabled: true\n"})
    for _ in range(3):
        found = await bench.reader().at(bench.installation_id, "acme/shop", commit.sha)
        assert isinstance(found.config, RepositoryConfig)
        assert (found.path, found.config.enabled) == (".hookyard.yml", False)
        assert found.config.commands == DEFAULTS.commands
    assert bench.asked("/contents/") == 1


async def test_second_file_counts_only_where_the_first_is_absent(bench: Bench) -> None:
    only = bench.sandbox.push("acme/shop", {".testbot.yml": "enabled: false\n"})
    both = bench.sandbox.push("acme/shop", {".hookyard.yml": "criteria: {comment: false}\n"})
    reader = bench.reader()
    assert (await reader.at(bench.installation_id, "acme/shop", only.sha)).path == ".testbot.yml"
    found = await reader.at(bench.installation_id, "acme/shop", both.sha)
    assert isinstance(found.config, RepositoryConfig)
    assert (found.path, found.config.enabled) == (".hookyard.yml", True)


async def test_commit_without_a_file_has_the_defaults_and_is_remembered(bench: Bench) -> None:
    reader = bench.reader()
    for _ in range(2):
        found = await reader.at_ref(bench.installation_id, "acme/shop", "main")
        assert (found.path, found.blob_sha, found.config) == (None, None, DEFAULTS)
    assert bench.asked("/contents/") == 2
    assert bench.clock.slept == []


async def test_changed_defaults_reach_commits_read_before(bench: Bench) -> None:
    commit = bench.sandbox.push("acme/shop", {".hookyard.yml": "enabled: false\n"})
    await bench.reader().at(bench.installation_id, "acme/shop", commit.sha)
    other = RepositoryConfig(commands=CommandsConfig(minimum_permission="admin"))
    reader = ConfigReader(bench.database, bench.github, bench.clock, other)
    found = await reader.at(bench.installation_id, "acme/shop", commit.sha)
    assert isinstance(found.config, RepositoryConfig)
    assert found.config.commands.minimum_permission == "admin"


async def test_commit_that_cannot_be_seen_is_missing_and_not_without_rules(bench: Bench) -> None:
    with pytest.raises(GitHubMissing):
        await bench.reader().at(bench.installation_id, "acme/shop", "0" * 40)
    with pytest.raises(GitHubMissing):
        await bench.reader().at(bench.installation_id, "../app", "0" * 40)
    with pytest.raises(Invalid):
        await bench.reader().at(bench.installation_id, "acme/shop", "main")


async def test_repository_without_commits_has_the_defaults(bench: Bench) -> None:
    body = {"message": "Git Repository is empty."}
    script = Script(answer(409, body), answer(422, body), clock=bench.clock)
    token = AccessToken(1, "t", 0, bench.clock.now_ms() * 2)
    github = script.client.with_tokens(OneToken(token))
    reader = ConfigReader(bench.database, github, bench.clock, DEFAULTS)
    found = await reader.at_ref(1, "acme/shop", "main")
    assert (found.commit_sha, found.path, found.config) == ("", None, DEFAULTS)
    with pytest.raises(GitHubMissing):
        await reader.at_ref(1, "acme/shop", "nowhere")


async def test_failure_while_reading_is_not_remembered_as_no_file(bench: Bench) -> None:
    commit = bench.sandbox.push("acme/shop", {".hookyard.yml": "enabled: false\n"})
    bench.sandbox.fail("error", path="*/contents/*", times=4)
    with pytest.raises(GitHubFailed):
        await bench.reader().at(bench.installation_id, "acme/shop", commit.sha)
    found = await bench.reader().at(bench.installation_id, "acme/shop", commit.sha)
    assert found.path == ".hookyard.yml"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"version: 1\nenabled: maybe\n", 2, "true or false"),
        (b"a: &a [x]\nb: [*a, *a]\n", 2, "aliases"),
        (b"# \xff\n", 1, "UTF-8"),
        (b"# " + b"x" * 70_000, 1, "larger than 64 KiB"),
        (b"# " + b"x" * 1_200_000, 1, "larger than 64 KiB"),
    ],
    ids=["wrong", "bomb", "binary", "large", "huge"],
)
async def test_invalid_file_says_where_and_why_every_time(
    bench: Bench, content: bytes, line: int, reason: str
) -> None:
    commit = bench.sandbox.push("acme/shop", {".hookyard.yml": content})
    for _ in range(2):
        found = await bench.reader().at(bench.installation_id, "acme/shop", commit.sha)
        assert isinstance(found.config, ConfigInvalid)
        assert (found.config.path, found.config.line) == (".hookyard.yml", line)
        assert reason in found.config.reason


async def test_folder_of_that_name_is_no_configuration(bench: Bench) -> None:
    commit = bench.sandbox.push("acme/shop", {".hookyard.yml/x": "enabled: false\n"})
    found = await bench.reader().at(bench.installation_id, "acme/shop", commit.sha)
    assert found.path is None


async def test_roles_are_asked_once_in_five_minutes(bench: Bench) -> None:
    permissions = Permissions(bench.github, bench.clock)
    for _ in range(2):
        for login, role in (("mia", "maintain"), ("tess", "triage"), ("nobody-here", "none")):
            got = await permissions.permission_of(bench.installation_id, "acme/shop", login)
            assert got == role
    assert bench.asked("/permission") == 3
    bench.sandbox.repository("acme/shop").collaborators["mia"] = "read"
    assert await permissions.permission_of(bench.installation_id, "Acme/Shop", "MIA") == "maintain"
    bench.clock.advance(301)
    assert await permissions.permission_of(bench.installation_id, "acme/shop", "mia") == "read"


@pytest.mark.parametrize("scope", ["Acme/Shop", "acme/"])
async def test_forgotten_role_is_asked_again(bench: Bench, scope: str) -> None:
    permissions = Permissions(bench.github, bench.clock)
    await permissions.permission_of(bench.installation_id, "acme/shop", "mia")
    bench.sandbox.repository("acme/shop").collaborators["mia"] = "read"
    permissions.forget("acme/shopping")
    assert await permissions.permission_of(bench.installation_id, "acme/shop", "mia") == "maintain"
    permissions.forget(scope)
    assert await permissions.permission_of(bench.installation_id, "acme/shop", "mia") == "read"


async def test_role_asked_before_it_changed_is_not_kept(bench: Bench) -> None:
    permissions = Permissions(bench.github, bench.clock)
    asking = asyncio.create_task(
        permissions.permission_of(bench.installation_id, "acme/shop", "mia")
    )
    await asyncio.sleep(0)
    permissions.forget("acme/shop")
    assert await asking == "maintain"
    bench.sandbox.repository("acme/shop").collaborators["mia"] = "read"
    assert await permissions.permission_of(bench.installation_id, "acme/shop", "mia") == "read"


async def test_stranger_text_never_reaches_another_address(bench: Bench) -> None:
    permissions = Permissions(bench.github, bench.clock)
    for repository, login in (("../app", "mia"), ("acme/shop", ".."), ("acme/shop", "")):
        got = await permissions.permission_of(bench.installation_id, repository, login)
        assert got == "none"
    assert bench.asked("/permission") == 0


async def test_webhooks_of_an_installations_life_keep_the_inventory_in_step(bench: Bench) -> None:
    await bench.hear()
    assert await bench.names() == ["acme/shop"]
    bench.sandbox.create_issue("acme/shop", "hello")
    bench.sandbox.push("acme/shop", {"a": "b"})
    await bench.hear()
    assert await bench.names() == ["acme/shop"]
    bench.sandbox.uninstall(bench.installation_id)
    await bench.hear()
    assert await bench.names() == []


async def test_reconciliation_finds_what_no_event_told(bench: Bench) -> None:
    for number in range(120):
        bench.sandbox.create_repository(f"acme/r{number:03}")
    report = await sync_installation(
        bench.database, bench.github, bench.clock, bench.installation_id
    )
    assert (report.seen, len(report.added), report.removed) == (121, 121, ())
    again = await sync_installation(
        bench.database, bench.github, bench.clock, bench.installation_id
    )
    assert (again.seen, again.added, again.removed) == (121, (), ())


async def test_reconciliation_drops_what_github_no_longer_shows(bench: Bench) -> None:
    bench.sandbox.create_repository("acme/old")
    await sync_installation(bench.database, bench.github, bench.clock, bench.installation_id)
    del bench.sandbox.world.repositories["acme/old"]
    bench.clock.advance(5)
    report = await sync_installation(
        bench.database, bench.github, bench.clock, bench.installation_id
    )
    assert report.removed == ("acme/old",)
    assert await bench.names() == ["acme/shop"]


async def test_repository_heard_of_during_the_listing_is_left_alone(bench: Bench) -> None:
    payload = {
        "installation": {"id": bench.installation_id},
        "repository": {"id": 99, "full_name": "acme/fresh", "private": True},
    }
    await bench.database.write(
        lambda unit: apply_installation_event(unit, "push", None, payload, bench.clock.now_ms() + 1)
    )
    report = await sync_installation(
        bench.database, bench.github, bench.clock, bench.installation_id
    )
    assert report.removed == ()
    assert await bench.names() == ["acme/fresh", "acme/shop"]


async def test_list_that_was_cut_off_removes_nothing(bench: Bench) -> None:
    bench.sandbox.create_repository("acme/other")
    await sync_installation(bench.database, bench.github, bench.clock, bench.installation_id)
    bench.clock.advance(5)
    report = await sync_installation(
        bench.database, bench.github, bench.clock, bench.installation_id, most=1
    )
    assert (report.seen, report.removed) == (1, ())
    assert len(await bench.names()) == 2


async def test_reconciliation_that_fails_half_way_changes_nothing(bench: Bench) -> None:
    bench.sandbox.fail("error", path="/installation/repositories", times=4)
    with pytest.raises(GitHubFailed):
        await sync_installation(bench.database, bench.github, bench.clock, bench.installation_id)
    assert await bench.names() == []

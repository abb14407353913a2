"""Every sample folder, sent by `hooks replay` through a real server beside a simulated GitHub."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from hookyard.bootstrap import open_yard
from hookyard.entrypoints.cli.main import cli
from hookyard.settings import load_settings
from hookyard_sandbox.github.sandbox import Sandbox
from tests.journeys.conftest import ADMIN, serving
from tests.support.sandbox import one_key

SAMPLES = Path(__file__).parents[1] / "samples"
PLAIN = "a-plain-secret-of-these-tests"
MARKED = "whsec_YS1tYXJrZWQtc2VjcmV0LW9mLXRoZXNlLXRlc3Rz"
SOURCES = [
    {"id": name, "provider": name, "secrets": [PLAIN], "allow": ["*"], "repository": "octo/garden"}
    for name in ("github", "jira", "slack", "sentry", "gitlab", "bitbucket", "linear", "pagerduty")
] + [
    {"id": "jira-oauth", "provider": "jira", "secrets": [PLAIN], "options": {"mode": "oauth"}},
    {"id": "gitlab-signing", "provider": "gitlab", "secrets": [MARKED]},
    {"id": "standard", "provider": "standard", "secrets": [MARKED]},
]


class Replayer:
    """Replays samples against one server and knows the installation they must name."""

    def __init__(self, url: str, environ: dict[str, str], installation: int) -> None:
        self.url = url
        self.environ = environ
        self.installation = installation

    async def replay(self, folder: Path) -> dict[str, object]:
        """The result of one sample."""
        words = ["hooks", "replay", str(folder), "--json", "--url", self.url, "--key", ADMIN]
        if folder.name != "installation-created":
            words += ["--set", f"installation.id={self.installation}"]
        found = await asyncio.to_thread(CliRunner().invoke, cli, words, env=self.environ)
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        (item,) = json.loads(found.stdout)["items"]
        assert found.exit_code == (1 if item["differences"] else 0)
        return dict(item)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The server runs in this process; its log must not mix with what a command prints."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


@pytest.fixture
async def replayer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Replayer]:
    """A server with every source, and a GitHub where mona may write to octo/garden."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sources.json").write_text(json.dumps({"sources": SOURCES}))
    with Sandbox() as sandbox:
        sandbox.create_repository("octo/garden", collaborators={"mona": "write"})
        app = sandbox.register_app(private_key=one_key())
        installation = sandbox.create_installation(app, "octo")
        environ = {
            "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
            "HOOKYARD_ADMIN_KEY": ADMIN,
            "HOOKYARD_SOURCES_FILE": str(tmp_path / "sources.json"),
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_APP_SLUG": app.slug,
            "GITHUB_PRIVATE_KEY": app.private_key,
            "GITHUB_API_BASE_URL": sandbox.base_url,
        }
        yard = await open_yard(load_settings(environ, folder=tmp_path), {})
        try:
            await yard.start_working()
            async with serving(yard) as caller:
                yield Replayer(str(caller.http.base_url), environ, installation.id)
        finally:
            await yard.close()


async def test_every_sample_ends_as_it_says(replayer: Replayer) -> None:
    folders = sorted(path.parent for path in SAMPLES.rglob("request.json"))
    assert len(folders) >= 14
    wrong = {}
    for folder in folders:
        result = await replayer.replay(folder)
        if result["differences"]:
            wrong[result["sample"]] = result
    assert wrong == {}

"""What rooms need of a configured GitHub App: configuration, permissions, where it is installed."""

from hookyard import registry
from hookyard.adapters.database.port import Database
from hookyard.adapters.github.artifacts import Artifacts
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.bootstrap.opening import GitHubApp, spreading_random
from hookyard.core.ingress.context import ContextReader
from hookyard.core.ingress.glue import ConfigAtRef
from hookyard.core.publishing.budget import BudgetLimits
from hookyard.core.publishing.landing import LandingOptions
from hookyard.core.repositories.config import RepositoryConfig
from hookyard.core.repositories.reader import ConfigReader
from hookyard.core.repositories.service import installation_of
from hookyard.kit.clock import Clock
from hookyard.settings import Settings


def context_reader(database: Database, github: GitHubApp | None, clock: Clock) -> ContextReader:
    """What routing asks GitHub before it decides; without an App, the defaults hold."""
    defaults = RepositoryConfig()
    if github is None:
        return ContextReader(None, None, defaults)
    reader = ConfigReader(database, github.client, clock, defaults)
    return ContextReader(ConfigAtRef(reader), github.permissions, defaults)


def github_ports(
    settings: Settings,
    database: Database,
    github: GitHubApp | None,
    clock: Clock,
    outbound: GuardedHttp,
) -> registry.GitHubPorts | None:
    """What handlers need of the App; None where none is configured."""
    if github is None:
        return None

    async def find(repository: str) -> int | None:
        return await database.read(lambda unit: installation_of(unit, repository))

    limits = BudgetLimits(
        content_per_minute=settings.github.writes_per_minute,
        content_per_hour=settings.github.writes_per_hour,
    )
    configs = ConfigReader(database, github.client, clock, RepositoryConfig())
    downloads = Artifacts(github.client, outbound, clock, spreading_random())
    return registry.GitHubPorts(
        github.client, find, github.identity, LandingOptions(limits=limits), downloads, configs
    )

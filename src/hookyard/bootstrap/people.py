"""What knows people: their sessions, how they sign in, and the rules that give them roles."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hookyard.adapters.database.port import Database
from hookyard.adapters.github.oauth import GitHubOAuth, OAuthClient, app_page, site_of
from hookyard.adapters.github.wire import Wire, WireOptions
from hookyard.adapters.http.port import Outbound
from hookyard.adapters.oidc.client import OidcApp
from hookyard.adapters.oidc.port import ASYMMETRIC
from hookyard.adapters.oidc.provider import Provider
from hookyard.bootstrap.opening import GitHubApp
from hookyard.core.audit.service import Audit
from hookyard.core.identity.grants import Grants
from hookyard.core.identity.session_rules import SessionOptions
from hookyard.core.identity.sessions import Sessions
from hookyard.core.identity.signin import SignIn
from hookyard.core.identity.signin_github import GitHubSignIn
from hookyard.core.identity.signin_oidc import OidcSignIn
from hookyard.core.identity.signin_port import SignInProvider
from hookyard.core.identity.teams import Teams
from hookyard.core.identity.teams_file import read_admins, read_rules
from hookyard.core.identity.teams_github import GitHubTeams
from hookyard.core.identity.teams_grants import RuleGrants
from hookyard.core.identity.teams_rules import Issuers, Rule
from hookyard.core.identity.visits import Visits
from hookyard.core.repositories.api import AppPages
from hookyard.core.repositories.service import installation_on
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings, SignInSettings

MEMBERSHIPS = "memberships"


@dataclass(slots=True)
class People:
    """Everything about people. `teams` and `oauth` are None where they are not set up."""

    sessions: Sessions
    rules: RuleGrants
    visits: Visits
    signin: SignIn
    teams: Teams | None
    oauth: GitHubOAuth | None
    announce: Callable[[str], None]
    app_pages: AppPages

    def memberships_changed(self, scope: str) -> None:
        """GitHub told of a change in "owner/" or "owner/name": ask again, in every process."""
        self.rules.forget(scope)
        self.announce(MEMBERSHIPS)

    async def close(self) -> None:
        """Ask nobody any more."""
        if self.teams is not None:
            await self.teams.close()
        if self.oauth is not None:
            await self.oauth.close()


@dataclass(frozen=True, slots=True)
class PeopleBase:
    """What people are known with."""

    settings: Settings
    database: Database
    clock: Clock
    ids: IdMaker
    audit: Audit
    github: GitHubApp | None
    grants: Grants
    outbound: Outbound


def open_people(base: PeopleBase, rules: tuple[Rule, ...]) -> People:
    """All of it, on the adapters that are open. `rules` are those of `access_rules`."""
    given = base.settings.sign_in
    api = base.settings.github.api_base_url
    oauth = _oauth(base.settings)
    teams = _teams(base)
    derived = RuleGrants(rules, Issuers(site_of(api), given.oidc_issuer or ""), teams)
    base.database.listen(MEMBERSHIPS, derived.forget_all)
    options = SessionOptions(int(given.idle_s * 1000), int(given.absolute_s * 1000))
    sessions = Sessions(base.ids, base.audit, options)
    visits = Visits(base.database, sessions, derived, base.grants)
    providers = _providers(given, oauth, base.outbound, base.clock)
    signin = SignIn(base.database, providers, visits, base.audit, base.clock)
    return People(
        sessions,
        derived,
        visits,
        signin,
        teams,
        oauth,
        base.database.announce,
        _app_pages(base.settings),
    )


def _providers(
    given: SignInSettings, oauth: GitHubOAuth | None, outbound: Outbound, clock: Clock
) -> dict[str, SignInProvider]:
    """Whom people can sign in with, by the name of the route."""
    found: dict[str, SignInProvider] = {}
    if oauth is not None:
        found["github"] = GitHubSignIn(oauth)
    if given.oidc_issuer is not None and given.oidc_client_id is not None:
        issuer = Provider(given.oidc_issuer, outbound, ASYMMETRIC)
        app = OidcApp(given.oidc_client_id, "", given.oidc_client_secret)
        found["oidc"] = OidcSignIn(issuer, app, outbound, clock)
    return found


def _app_pages(settings: Settings) -> AppPages:
    api, slug = settings.github.api_base_url, settings.github.app_slug
    return AppPages(site_of(api), app_page(api, slug) if slug else "")


def access_rules(settings: Settings) -> tuple[Rule, ...]:
    """The admins of the settings, then the rules of the file; ConfigurationError names either."""
    admins = read_admins(settings.sign_in.admins)
    path = settings.sign_in.teams_file
    return admins if path is None else (*admins, *read_rules(_text(path)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"HOOKYARD_TEAMS_FILE: cannot read {path}: {type(error).__name__}"
        ) from None


def _oauth(settings: Settings) -> GitHubOAuth | None:
    given, api = settings.sign_in, settings.github.api_base_url
    if given.github_client_id is None or given.github_client_secret is None:
        return None
    client = OAuthClient(given.github_client_id, given.github_client_secret.reveal(), api)
    options = WireOptions(base_url=api, total_s=20.0, max_connections=10, max_body=1024 * 1024)
    return GitHubOAuth(client, Wire(options))


def _teams(base: PeopleBase) -> Teams | None:
    if base.github is None:
        return None
    database = base.database

    async def find(account: str) -> int | None:
        return await database.read(lambda unit: installation_on(unit, account))

    return Teams(GitHubTeams(base.github.client, find), base.clock)

"""Settings → the token service: every App, the mint policy, what is shared between processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from hookyard.adapters.database.port import Database
from hookyard.adapters.github.report import CallReport
from hookyard.bootstrap.opening import GitHubApp
from hookyard.core.audit.service import Audit
from hookyard.core.sealing.service import Sealer
from hookyard.core.tokens.api import TokenPorts
from hookyard.core.tokens.apps import Apps, MintingApp
from hookyard.core.tokens.apps_rules import Room
from hookyard.core.tokens.asking import Asking
from hookyard.core.tokens.desk import TokenDesk
from hookyard.core.tokens.minting import DirectMinting
from hookyard.core.tokens.policy import Policy
from hookyard.core.tokens.policy_file import MAX_BYTES, BadPolicy, read_policy
from hookyard.core.tokens.recording import MintRecord
from hookyard.core.tokens.records import Records
from hookyard.core.tokens.revoking import Revocations
from hookyard.core.tokens.shared import TAKEN_BACK, SharedMinting
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings


class TokenListeners:
    """Whoever wants to hear of requests for tokens; filled after the desk is made."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[str, float], None]] = []

    def __call__(self, outcome: str, seconds: float) -> None:
        for listener in self.listeners:
            listener(outcome, seconds)


@dataclass(slots=True)
class TokenService:
    """The token service of a process."""

    apps: Apps
    desk: TokenDesk
    ports: TokenPorts
    record: MintRecord
    listeners: TokenListeners = field(default_factory=TokenListeners)


def token_service(
    settings: Settings,
    apps: Sequence[GitHubApp],
    database: Database,
    sealer: Sealer,
    audit: Audit,
    ids: IdMaker,
    clock: Clock,
) -> TokenService:
    """The rooms' parts put together; every App mints through the shared tier from here on."""
    record = MintRecord(audit, ids)
    known = Apps([_minting(app) for app in apps], clock)
    for app, minting in zip(apps, known.all, strict=True):
        direct = DirectMinting(app.client, clock)
        shared = SharedMinting(minting.key, direct, database, sealer, record, clock)
        app.tokens.minting = shared
        database.listen(TAKEN_BACK, app.tokens.recheck)
        app.calls.listeners.append(partial(_saw, known, minting.key))
    listeners = TokenListeners()
    asking = Asking(database, audit, ids, clock)
    desk = TokenDesk(known, read_mint_policy(settings), asking, clock, listeners)
    revocations = Revocations(database, known, sealer, audit, clock)
    ports = TokenPorts(desk, revocations, Records(database, clock))
    return TokenService(known, desk, ports, record, listeners)


def read_mint_policy(settings: Settings) -> Policy | None:
    """The mint policy, None where none is set; ConfigurationError names the line that is wrong."""
    path = settings.tokens.policy_file
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return read_policy(raw)
    except OSError as error:
        raise ConfigurationError(
            f"HOOKYARD_MINT_POLICY_FILE: cannot read {path}: {type(error).__name__}"
        ) from None
    except BadPolicy as error:
        raise ConfigurationError(f"HOOKYARD_MINT_POLICY_FILE, {error}") from None


def _minting(app: GitHubApp) -> MintingApp:
    return MintingApp(app.identity.app_id, app.name, app.host, app.client, app.tokens)


def _saw(apps: Apps, app: str, report: CallReport) -> None:
    """What an answer said of an installation's budget."""
    if report.installation_id is None or report.remaining is None or report.limit is None:
        return
    if report.resource in ("", "core"):
        room = Room(report.remaining, report.limit, apps.clock.now_ms())
        apps.saw(app, report.installation_id, room)

"""Everything that can be set, as one frozen tree."""

from dataclasses import dataclass
from pathlib import Path

from hookyard.kit.secret import Secret
from hookyard.settings.kafka import NO_KAFKA, KafkaSettings
from hookyard.settings.kept import Kept
from hookyard.settings.places import KeptAt


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the ledger lives: a Postgres URL, or None for SQLite under the data folder.

    `pooled`: a transaction-mode pooler stands between; `direct_url` leads around it.
    """

    url: Secret | None
    pool_size: int
    pooled: bool = False
    direct_url: Secret | None = None


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What carries pointers to workers; `sqs_urls` has `lane=url` for each lane, or nothing."""

    backend: str
    redis_url: Secret | None
    prefix: str
    sqs_type: str
    sqs_urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """Where large bytes go: a bucket of S3, or None for a folder of the data folder.

    `max_artifact` in bytes.
    """

    bucket: str | None
    endpoint: str | None
    region: str | None
    prefix: str
    access_key_id: str | None
    secret_access_key: Secret | None
    session_token: Secret | None
    max_artifact: int


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """The GitHub App and the host it lives on. Its tokens are signed with the private key, or by
    a `signer` that does not give the key away."""

    app_id: str | None
    app_slug: str | None
    private_key: Secret | None
    signer: KeptAt | None
    api_base_url: str
    writes_per_minute: int
    writes_per_hour: int


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Where webhooks may come from: one secret list for each provider, and a file for more."""

    file: Path | None
    github: tuple[Secret, ...]
    jira: tuple[Secret, ...]
    slack: tuple[Secret, ...]
    sentry: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """How deliveries that never arrived are looked for, and when a source counts as silent."""

    enabled: bool
    events: tuple[str, ...]
    within_h: int
    reads_per_minute: int
    silence_gaps: float


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The front door. Sizes in bytes."""

    host: str
    port: int
    public_url: str | None
    admin_key: Secret | None
    max_body: int
    body_budget: int
    log_level: str
    log_format: str


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """How people sign in, and who they then are. Durations in seconds."""

    github_client_id: str | None
    github_client_secret: Secret | None
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_client_secret: Secret | None
    teams_file: Path | None
    admins: tuple[str, ...]
    idle_s: float
    absolute_s: float


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """The audit trail's key and age, and how much of the API each caller may use.

    `audit_key`: seeds, the first of which signs; none takes one from the data folder. Rates are
    calls a second, 0 for no limit; `strangers` are callers without a valid credential.
    """

    audit_key: tuple[Secret, ...]
    audit_keep_days: int | None
    calls_per_s: float
    calls_at_once: int
    strangers_per_s: float
    strangers_at_once: int


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Whose tokens are accepted, and which hosts inside may be asked."""

    jwt_secrets: tuple[Secret, ...]
    jwt_issuer: str | None
    jwt_audiences: tuple[str, ...]
    issuers_file: Path | None
    outbound_allow: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Where changes of records may be sent: hosts inside, and sinks as `name=kind:target`."""

    subscribers_allow: tuple[str, ...]
    sinks: tuple[str, ...]
    kafka: KafkaSettings = NO_KAFKA


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How jobs are run. Durations in seconds."""

    concurrency: int
    lease_s: float
    drain_s: float
    drain_notice_s: float
    task_logs_dir: Path | None
    agent_command: str | None
    agent_timeout_s: float
    retention_days: int
    lanes: tuple[str, ...]
    leases_per_key: int
    leases_per_owner: int


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """Where secrets come from, in order (none: the settings themselves), and what came of it.

    `sealing_keys` wrap data keys: the first for new ones, the others until all are rewrapped.
    """

    sources: tuple[KeptAt, ...]
    sealing_keys: tuple[KeptAt, ...]
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """Who may have which installation tokens, and the least life one has left, seconds."""

    policy_file: Path | None
    margin_s: float


@dataclass(frozen=True, slots=True)
class ProposalSettings:
    """Who proposes tests for gaps of manifests: a command, an endpoint, or (both unset) nobody."""

    command: str | None
    url: str | None
    model: str | None
    key: Secret | None
    seconds: float


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """What messages to Slack are sent with; without a token none are. `channels` are those that
    people may name in their rules."""

    bot_token: Secret | None
    channels: tuple[str, ...]
    api_url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    data_dir: Path
    database: DatabaseSettings
    queue: QueueSettings
    github: GitHubSettings
    sources: SourceSettings
    recovery: RecoverySettings
    http: HttpSettings
    worker: WorkerSettings
    otel_endpoint: str | None
    blobs: BlobSettings
    sign_in: SignInSettings
    access: AccessSettings
    trust: TrustSettings
    tokens: TokenSettings
    proposals: ProposalSettings
    secrets: SecretSettings = SecretSettings((), ())
    slack: SlackSettings = SlackSettings(None, (), "https://slack.com/api")
    feed: FeedSettings = FeedSettings((), ())

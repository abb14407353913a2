"""Every setting as a row: names, how it is read, default, what it is for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from hookyard.kit.secret import Secret
from hookyard.settings import kafka, places, read
from hookyard.settings.places import KeptAt

Value: TypeAlias = (
    str
    | int
    | float
    | bool
    | Path
    | Secret
    | tuple[Secret, ...]
    | tuple[str, ...]
    | KeptAt
    | tuple[KeptAt, ...]
    | None
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, other names it answers to, how it is read, what it is for."""

    name: str
    parse: Callable[[str], Value]
    default: Value
    help: str
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, the own one first."""
        return (self.name, *self.also)

    @property
    def is_secret(self) -> bool:
        """Whether its value is kept out of sight, and may come from a secret source."""
        return self.is_list or self.parse in (read.secret, read.database, read.redis)

    @property
    def is_list(self) -> bool:
        """Whether it is a secret of which several are valid at once."""
        return self.parse is read.secrets


MIB = 1024 * 1024

SETTINGS: tuple[Setting, ...] = (
    Setting("HOOKYARD_DATA_DIR", read.path, Path(".hookyard"),
            "SQLite file, keys, logs (mode 0700)"),
    Setting("HOOKYARD_SECRET_SOURCES", places.secret_sources, (),
            "Where secrets come from, in order: env:, file:, gcp-sm:, aws-sm:, azure-kv:, vault:; "
            "unset means the settings themselves"),
    Setting("HOOKYARD_SEALING_KEYS", places.wrapping_keys, (),
            "What wraps the keys of sealed values: local:, gcp-kms:, aws-kms:, azure-kv: or "
            "vault-transit:, former ones after it; unset means local:, a file of the data folder"),
    Setting("HOOKYARD_DATABASE_URL", read.database, None, "Postgres; unset means SQLite",
            ("DATABASE_URL",)),
    Setting("HOOKYARD_DATABASE_POOL", read.number, 10, "Postgres connections of one process"),
    Setting("HOOKYARD_DATABASE_POOLED", read.flag, default=False,
            help="A transaction-mode pooler (PgBouncer) stands before Postgres"),
    Setting("HOOKYARD_DATABASE_DIRECT_URL", read.database, None,
            "Postgres around that pooler, for wake-ups and migrations"),
    Setting("HOOKYARD_QUEUE_BACKEND", read.one_of("database", "redis", "sqs"), "database",
            "What tells workers of ready jobs: database, redis or sqs", ("QUEUE_BACKEND",)),
    Setting("HOOKYARD_REDIS_URL", read.redis, None,
            "Redis 7 or Valkey, for the redis backend (needs hookyard[redis])", ("REDIS_URL",)),
    Setting("HOOKYARD_QUEUE_PREFIX", read.queue_name, "hookyard",
            "What the names of streams and queues begin with", ("HOOKYARD_SQS_QUEUE_PREFIX",)),
    Setting("HOOKYARD_SQS_QUEUE_TYPE", read.one_of("standard", "fifo"), "standard",
            "SQS queues named by prefix: standard, or fifo with .fifo at the end of their names"),
    Setting("HOOKYARD_SQS_QUEUE_URLS", read.queue_urls, (),
            "SQS queues by address instead of by prefix: lane=url for each lane, comma-separated"),
    Setting("HOOKYARD_BLOBSTORE_BUCKET", read.bucket, None,
            "S3 bucket for large bytes (needs hookyard[s3]); unset means the data folder",
            ("BLOBSTORE_BUCKET",)),
    Setting("HOOKYARD_BLOBSTORE_ENDPOINT", read.url, None,
            "Address of an S3-compatible store; unset means AWS", ("BLOBSTORE_ENDPOINT",)),
    Setting("HOOKYARD_BLOBSTORE_REGION", read.text, None,
            "Region of the bucket; else AWS_REGION, else us-east-1", ("BLOBSTORE_REGION",)),
    Setting("HOOKYARD_BLOBSTORE_PREFIX", read.folder, "",
            "Folder of the bucket that is Hookyard's alone", ("BLOBSTORE_PREFIX",)),
    Setting("HOOKYARD_BLOBSTORE_ACCESS_KEY_ID", read.text, None,
            "Key of the bucket; else AWS_ACCESS_KEY_ID, else the machine's role",
            ("BLOBSTORE_ACCESS_KEY_ID",)),
    Setting("HOOKYARD_BLOBSTORE_SECRET_ACCESS_KEY", read.secret, None, "Its secret part",
            ("BLOBSTORE_SECRET_ACCESS_KEY",)),
    Setting("HOOKYARD_BLOBSTORE_SESSION_TOKEN", read.secret, None,
            "Its token, where the key is a temporary one", ("BLOBSTORE_SESSION_TOKEN",)),
    Setting("HOOKYARD_MAX_ARTIFACT", read.number, 256 * MIB, "Largest artifact of a job, bytes"),
    Setting("HOOKYARD_GITHUB_APP_ID", read.text, None, "The GitHub App's id", ("GITHUB_APP_ID",)),
    Setting("HOOKYARD_GITHUB_APP_SLUG", read.text, None,
            "The App's name in mentions, as in @my-app", ("GITHUB_APP_SLUG",)),
    Setting("HOOKYARD_GITHUB_PRIVATE_KEY", read.secret, None,
            "The App's PEM private key (\\n for line ends); or the same name with _FILE",
            ("GITHUB_PRIVATE_KEY", "GITHUB_APP_PRIVATE_KEY")),
    Setting("HOOKYARD_GITHUB_SIGNER", places.signing_key, None,
            "A key service that signs as the App, in place of the private key: gcp-kms:, aws-kms:, "
            "azure-kv: or vault-transit:", ("GITHUB_SIGNER",)),
    Setting("HOOKYARD_GITHUB_API_BASE_URL", read.url, "https://api.github.com",
            "GitHub's API; for Enterprise Server https://HOST/api/v3", ("GITHUB_API_BASE_URL",)),
    Setting("HOOKYARD_GITHUB_WRITES_PER_MINUTE", read.number, 80,
            "Content-creating calls a minute for one installation"),
    Setting("HOOKYARD_GITHUB_WRITES_PER_HOUR", read.number, 500,
            "Content-creating calls an hour for one installation"),
    Setting("HOOKYARD_MINT_POLICY_FILE", read.path, None,
            "YAML file that says who may have which installation tokens; unset: roles alone"),
    Setting("HOOKYARD_TOKEN_MARGIN_SECONDS", read.seconds, 60.0,
            "The least life an installation token has left when it is given out"),
    Setting("HOOKYARD_SOURCES_FILE", read.path, None,
            "YAML file of webhook sources: several Apps, hosts, providers"),
    Setting("HOOKYARD_GITHUB_WEBHOOK_SECRET", read.secrets, (),
            "Webhook secret; several, comma-separated, while rotating",
            ("GITHUB_WEBHOOK_SECRET",)),
    Setting("HOOKYARD_JIRA_WEBHOOK_SECRET", read.secrets, (), "The same for Jira",
            ("JIRA_WEBHOOK_SECRET",)),
    Setting("HOOKYARD_SLACK_SIGNING_SECRET", read.secrets, (), "The same for Slack",
            ("SLACK_SIGNING_SECRET",)),
    Setting("HOOKYARD_SENTRY_WEBHOOK_SECRET", read.secrets, (), "The same for Sentry",
            ("SENTRY_WEBHOOK_SECRET",)),
    Setting("HOOKYARD_SLACK_BOT_TOKEN", read.secret, None,
            "Bot token (xoxb-…) that notifications are sent to Slack with", ("SLACK_BOT_TOKEN",)),
    Setting("HOOKYARD_SLACK_CHANNELS", read.slack_channels, (),
            "Ids of Slack channels that people may have their notifications sent to"),
    Setting("HOOKYARD_SLACK_API_URL", read.url, "https://slack.com/api",
            "Where Slack's Web API is"),
    Setting("HOOKYARD_RECOVER", read.flag, default=True,
            help="Every few minutes, pull deliveries that never arrived"),
    Setting("HOOKYARD_RECOVER_EVENTS", read.words, (),
            "GitHub events worth pulling, or all; unset means those something here reacts to"),
    Setting("HOOKYARD_RECOVER_WITHIN_HOURS", read.number, 72,
            "How far back that goes by itself, after a long gap"),
    Setting("HOOKYARD_RECOVER_READS_PER_MINUTE", read.number, 600,
            "Reads a minute for one App or installation while pulling"),
    Setting("HOOKYARD_SILENCE_GAPS", read.seconds, 10.0,
            "A source is silent after so many of its usual gaps without a delivery"),
    Setting("HOOKYARD_HOST", read.text, "127.0.0.1", "Address to listen on"),
    Setting("HOOKYARD_PORT", read.port, 8080, "Port to listen on; 0 takes a free one", ("PORT",)),
    Setting("HOOKYARD_PUBLIC_URL", read.url, None, "Where people reach this server, for links"),
    Setting("HOOKYARD_ADMIN_KEY", read.secret, None,
            "Key with every right; made at first start when unset"),
    Setting("HOOKYARD_AUDIT_KEY", read.secrets, (),
            "Signs the audit trail: 64 hex digits; several while changing it, the newest first; "
            "unset makes one in the data folder"),
    Setting("HOOKYARD_AUDIT_DAYS", read.number, None,
            "How long entries of the audit trail are kept; unset means for ever"),
    Setting("HOOKYARD_CALLS_PER_SECOND", read.pause, 200.0,
            "Calls of the API a second out of one budget: a key's, a person's, an issuer's; "
            "0 for no limit"),
    Setting("HOOKYARD_CALLS_AT_ONCE", read.number, 2_000,
            "Calls out of one of them at once after a rest"),
    Setting("HOOKYARD_STRANGERS_PER_SECOND", read.pause, 20.0,
            "Calls a second from one address without a valid credential; 0 for no limit"),
    Setting("HOOKYARD_STRANGERS_AT_ONCE", read.number, 200,
            "Calls one such address may make at once after a rest"),
    Setting("HOOKYARD_JWT_SECRET", read.secrets, (),
            "Secret of service tokens (HS256, 32 bytes at least); several while rotating",
            ("JWT_SECRET",)),
    Setting("HOOKYARD_JWT_ISSUER", read.text, None, "The iss that service tokens must have",
            ("JWT_ISSUER",)),
    Setting("HOOKYARD_JWT_AUDIENCE", read.texts, (),
            "The aud that service tokens must have; several, comma-separated", ("JWT_AUDIENCE",)),
    Setting("HOOKYARD_ISSUERS_FILE", read.path, None,
            "YAML file of issuers whose tokens are accepted: services, GitHub Actions"),
    Setting("HOOKYARD_OUTBOUND_ALLOW", read.hosts, (),
            "Hosts (host or host:port) inside a private network that may be asked for keys"),
    Setting("HOOKYARD_SUBSCRIBERS_ALLOW", read.hosts, (),
            "Hosts (host or host:port) inside a private network that changes may be sent to"),
    Setting("HOOKYARD_CHANGE_SINKS", read.sinks, (),
            "Where changes go besides: name=redis:STREAM, name=sqs:URL or name=kafka:TOPIC, "
            "comma-separated"),
    Setting("HOOKYARD_KAFKA_BROKERS", read.brokers, (),
            "Brokers of Kafka to begin with, as host:port, for such sinks (needs hookyard[kafka])",
            ("KAFKA_BOOTSTRAP_SERVERS",)),
    Setting("HOOKYARD_KAFKA_SECURITY_PROTOCOL", read.one_of(*kafka.PROTOCOLS), "plaintext",
            "How they are spoken to: plaintext, ssl, sasl_ssl or sasl_plaintext"),
    Setting("HOOKYARD_KAFKA_SASL_MECHANISM", read.one_of(*kafka.MECHANISMS), "SCRAM-SHA-512",
            "How we sign in with sasl_: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"),
    Setting("HOOKYARD_KAFKA_USERNAME", read.text, None, "Whom we sign in as"),
    Setting("HOOKYARD_KAFKA_PASSWORD", read.secret, None, "Its password"),
    Setting("HOOKYARD_KAFKA_CA_FILE", read.path, None,
            "PEM file of the roots that brokers' certificates are checked against; unset means "
            "the system's"),
    Setting("HOOKYARD_KAFKA_CERTIFICATE_FILE", read.path, None,
            "PEM file of our own certificate, where brokers ask for one"),
    Setting("HOOKYARD_KAFKA_PRIVATE_KEY", read.secret, None, "Its PEM private key"),
    Setting("HOOKYARD_KAFKA_MAX_MESSAGE", kafka.message_bytes, 1_000_000,
            "Largest change sent to Kafka, bytes; no more than its topics take"),
    Setting("HOOKYARD_MAX_BODY", read.number, 25 * MIB, "Largest webhook body, bytes"),
    Setting("HOOKYARD_BODY_BUDGET", read.number, 128 * MIB,
            "Bytes of webhook bodies in memory at once; more are asked to come back"),
    Setting("HOOKYARD_LOG_LEVEL", read.one_of("debug", "info", "warning", "error"), "info",
            "Least level that is logged", ("LOG_LEVEL",)),
    Setting("HOOKYARD_LOG_FORMAT", read.one_of("json", "text"), "json",
            "Log lines as JSON or text"),
    Setting("HOOKYARD_GITHUB_OAUTH_CLIENT_ID", read.text, None,
            "Client id of the App, for signing people in", ("GITHUB_OAUTH_CLIENT_ID",)),
    Setting("HOOKYARD_GITHUB_OAUTH_CLIENT_SECRET", read.secret, None, "Its client secret",
            ("GITHUB_OAUTH_CLIENT_SECRET",)),
    Setting("HOOKYARD_OIDC_ISSUER", read.issuer, None,
            "OpenID Connect provider people sign in with", ("OIDC_ISSUER",)),
    Setting("HOOKYARD_OIDC_CLIENT_ID", read.text, None, "Client id at that provider",
            ("OIDC_CLIENT_ID",)),
    Setting("HOOKYARD_OIDC_CLIENT_SECRET", read.secret, None,
            "Its secret; unset for a public client",
            ("OIDC_CLIENT_SECRET",)),
    Setting("HOOKYARD_TEAMS_FILE", read.path, None,
            "YAML file of rules that give roles to teams, organisations and people"),
    Setting("HOOKYARD_ADMINS", read.texts, (),
            "Admins: GitHub logins, id:NUMBER or oidc:SUBJECT, comma-separated"),
    Setting("HOOKYARD_SESSION_IDLE_SECONDS", read.seconds, 43_200.0,
            "How long a sign-in lasts unused (300 at least)"),
    Setting("HOOKYARD_SESSION_MAX_SECONDS", read.seconds, 604_800.0,
            "How long a sign-in lasts at most"),
    Setting("HOOKYARD_CONCURRENCY", read.number, 32, "Jobs one process runs at once"),
    Setting("HOOKYARD_LANES", read.lanes, (), "Lanes of work this process takes; unset means all"),
    Setting("HOOKYARD_LEASES_PER_KEY", read.number, 100,
            "Jobs one API key may have leased at once, unless the key says otherwise"),
    Setting("HOOKYARD_LEASES_PER_OWNER", read.number, 50,
            "Jobs agents may have leased at once for the repositories of one owner"),
    Setting("HOOKYARD_LEASE_SECONDS", read.seconds, 60.0, "How long an attempt may go silent"),
    Setting("HOOKYARD_DRAIN_SECONDS", read.seconds, 20.0,
            "How long running jobs and requests may finish at stop"),
    Setting("HOOKYARD_DRAIN_NOTICE_SECONDS", read.pause, 0.0,
            "How long of that the gateway answers on for certain, /readyz at 503"),
    Setting("HOOKYARD_TASK_LOGS_DIR", read.path, None,
            "Folder for one JSON-lines log file a job (default: logs/ in the data folder)",
            ("TASK_LOGS_DIR",)),
    Setting("HOOKYARD_AGENT_COMMAND", read.command, None,
            "Command that does agent.task jobs: JSON on standard input, JSON on standard output"),
    Setting("HOOKYARD_AGENT_TIMEOUT_SECONDS", read.seconds, 1800.0, "Longest run of that command"),
    Setting("HOOKYARD_PROPOSALS_COMMAND", read.command, None,
            "Command that proposes tests for gaps of a manifest: JSON in, JSON out"),
    Setting("HOOKYARD_PROPOSALS_URL", read.url, None,
            "OpenAI-compatible endpoint that does so instead, as in https://HOST/v1"),
    Setting("HOOKYARD_PROPOSALS_MODEL", read.text, None, "The model to ask there"),
    Setting("HOOKYARD_PROPOSALS_KEY", read.secret, None, "The key for that endpoint"),
    Setting("HOOKYARD_PROPOSALS_SECONDS", read.seconds, 60.0,
            "How long proposals may take; without them in time the manifest stands alone"),
    Setting("HOOKYARD_RETENTION_DAYS", read.number, 30,
            "How long finished deliveries and jobs are kept (7 at least)"),
    Setting("HOOKYARD_OTEL_ENDPOINT", read.url, None,
            "OTLP/HTTP collector for traces (needs hookyard[otel])",
            ("OTEL_EXPORTER_OTLP_ENDPOINT",)),
)  # fmt: skip

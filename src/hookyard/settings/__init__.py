"""Settings: read once at start from the environment, `.env` and `hookyard.toml`, then frozen.

Every setting is a row of `SETTINGS`. Its own name starts with `HOOKYARD_`; conventional names
are accepted too. The environment wins over `.env`, `.env` over `hookyard.toml`.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from hookyard.kit.errors import ConfigurationError
from hookyard.settings.appfile import APP_FILE, from_app_file
from hookyard.settings.files import from_dotenv, from_toml
from hookyard.settings.kafka import KafkaSettings, check_kafka
from hookyard.settings.kept import Kept
from hookyard.settings.model import (
    AccessSettings,
    BlobSettings,
    DatabaseSettings,
    FeedSettings,
    GitHubSettings,
    HttpSettings,
    ProposalSettings,
    QueueSettings,
    RecoverySettings,
    SecretSettings,
    Settings,
    SignInSettings,
    SlackSettings,
    SourceSettings,
    TokenSettings,
    TrustSettings,
    WorkerSettings,
)
from hookyard.settings.places import KeptAt
from hookyard.settings.read import LANES
from hookyard.settings.table import SETTINGS, Setting, Value

__all__ = [
    "LANES",
    "SETTINGS",
    "Kept",
    "KeptAt",
    "Setting",
    "Settings",
    "SignInSettings",
    "Value",
    "build_settings",
    "data_dir_of",
    "layers",
    "load_settings",
    "raw_secrets",
    "read_environment",
    "stored_app_in",
]

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_IN_FILES = frozenset(
    name for setting in SETTINGS for name in (setting.name, f"{setting.name}_FILE")
)


def layers(folder: Path, environ: Mapping[str, str]) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """Where settings are read from, by name, the weakest first."""
    given = _given(folder, environ)
    return ((APP_FILE, _registered(given)), *given)


def stored_app_in(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The data folder, where the App that `hookyard github setup` stored there is in use."""
    given = _given(folder, environ)
    return _data_dir(given) if _registered(given) else None


def data_dir_of(folder: Path, environ: Mapping[str, str]) -> Path:
    """The data folder, before anything else is known."""
    return _data_dir(_given(folder, environ))


def _given(folder: Path, environ: Mapping[str, str]) -> tuple[tuple[str, Mapping[str, str]], ...]:
    return (
        ("hookyard.toml", from_toml(folder / "hookyard.toml", _IN_FILES)),
        (".env", from_dotenv(folder / ".env")),
        ("environment", environ),
    )


def _data_dir(given: tuple[tuple[str, Mapping[str, str]], ...]) -> Path:
    setting = _BY_NAME["HOOKYARD_DATA_DIR"]
    texts = [_set_in(layer, setting)[1] for _, layer in given]
    text = next((text for text in reversed(texts) if text), "")
    found = setting.parse(text) if text else setting.default
    assert isinstance(found, Path)  # noqa: S101
    return found


def _registered(given: tuple[tuple[str, Mapping[str, str]], ...]) -> Mapping[str, str]:
    """What was stored of the App, unless the settings name an App themselves: then it is
    another's, and none of it counts."""
    if any(_set_in(layer, _BY_NAME["HOOKYARD_GITHUB_APP_ID"])[1] for _, layer in given):
        return {}
    return from_app_file(_data_dir(given))


def read_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The raw settings: what was stored of the App under `hookyard.toml` under `.env` under the
    environment, blanks left out.

    Each setting stands under one name: the first of its names in the highest place that sets it.
    """
    merged: dict[str, str] = {}
    for _, layer in layers(folder, environ):
        merged.update({name: text for name, text in layer.items() if text.strip()})
        for setting in SETTINGS:
            name, text = _set_in(layer, setting)
            if text:
                merged = {k: v for k, v in merged.items() if k not in setting.names} | {name: text}
    return merged


def _set_in(layer: Mapping[str, str], setting: Setting) -> tuple[str, str]:
    """The name and text that one place gives a setting; "" where it gives none."""
    for name in setting.names:
        text = layer.get(name, "").strip() or _pointed_at(name, layer.get(f"{name}_FILE", ""))
        if text:
            return name, text
    return setting.name, ""


def _pointed_at(name: str, pointer: str) -> str:
    if not pointer.strip():
        return ""
    try:
        return Path(pointer.strip()).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{name}_FILE: cannot read {pointer}: {type(error).__name__}"
        ) from None


def load_settings(
    environ: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    kept: Mapping[str, Kept] | None = None,
    sources: tuple[KeptAt, ...] = (),
) -> Settings:
    """Check everything; ConfigurationError names the wrong setting and the fix.

    `kept` is what the secret sources gave, by setting; where sources are set it has to be there
    (`bootstrap.keeping` reads them), and secrets come from nowhere else. `sources` are those that
    were read where the settings name none.
    """
    raw = read_environment(folder or Path.cwd(), os.environ if environ is None else environ)
    values = {setting.name: _value(setting, raw) for setting in SETTINGS if not setting.is_secret}
    values["HOOKYARD_SECRET_SOURCES"] = values["HOOKYARD_SECRET_SOURCES"] or sources
    if not values["HOOKYARD_SECRET_SOURCES"]:
        found = _in_settings(raw)
    elif kept is None:
        raise ConfigurationError("HOOKYARD_SECRET_SOURCES: its sources were not read")
    else:
        found = kept
        _refuse_unlisted(raw, values["HOOKYARD_SECRET_SOURCES"])
    values |= {s.name: _secret(s, raw, found.get(s.name)) for s in SETTINGS if s.is_secret}
    return build_settings(values, tuple(one for _, one in sorted(found.items())))


def raw_secrets(raw: Mapping[str, str]) -> dict[str, str]:
    """Secrets of the environment, `.env` and `hookyard.toml`, by the setting's own name."""
    named = (
        (s.name, next((raw[n] for n in s.names if n in raw), "")) for s in SETTINGS if s.is_secret
    )
    return {name: text for name, text in named if text}


def _in_settings(raw: Mapping[str, str]) -> Mapping[str, Kept]:
    return {name: Kept(name, "env:") for name in raw_secrets(raw)}


def _refuse_unlisted(raw: Mapping[str, str], sources: Value) -> None:
    """A secret that stands where no source looks would be taken for the one in use."""
    if sources and any(one.kind == "env" for one in sources):  # type: ignore[union-attr]
        return
    for name in raw_secrets(raw):
        raise ConfigurationError(
            f"{name} is set, but HOOKYARD_SECRET_SOURCES does not list env:; "
            "remove the one, or add the other"
        )


def _secret(setting: Setting, raw: Mapping[str, str], kept: Kept | None) -> Value:
    if kept is None:
        return setting.default
    if not kept.values:
        return _value(setting, raw) if kept.source == "env:" else setting.default
    if setting.is_list and kept.source != "env:":
        return kept.values
    try:
        return setting.parse(kept.values[0].reveal())
    except ValueError as error:
        reason = str(error) if str(error).startswith("must") else "cannot be read"
        raise ConfigurationError(f"{setting.name} from {kept.source}: {reason}") from None


# The fields of each class, in order, by the names of their settings.
BLOBS = (
    "BLOBSTORE_BUCKET", "BLOBSTORE_ENDPOINT", "BLOBSTORE_REGION", "BLOBSTORE_PREFIX",
    "BLOBSTORE_ACCESS_KEY_ID", "BLOBSTORE_SECRET_ACCESS_KEY", "BLOBSTORE_SESSION_TOKEN",
    "MAX_ARTIFACT",
)  # fmt: skip
QUEUE = ("QUEUE_BACKEND", "REDIS_URL", "QUEUE_PREFIX", "SQS_QUEUE_TYPE", "SQS_QUEUE_URLS")
DATABASE = ("DATABASE_URL", "DATABASE_POOL", "DATABASE_POOLED", "DATABASE_DIRECT_URL")
GITHUB = (
    "GITHUB_APP_ID", "GITHUB_APP_SLUG", "GITHUB_PRIVATE_KEY", "GITHUB_SIGNER",
    "GITHUB_API_BASE_URL",
    "GITHUB_WRITES_PER_MINUTE", "GITHUB_WRITES_PER_HOUR",
)  # fmt: skip
SOURCES = (
    "SOURCES_FILE", "GITHUB_WEBHOOK_SECRET", "JIRA_WEBHOOK_SECRET", "SLACK_SIGNING_SECRET",
    "SENTRY_WEBHOOK_SECRET",
)  # fmt: skip
RECOVERY = (
    "RECOVER", "RECOVER_EVENTS", "RECOVER_WITHIN_HOURS", "RECOVER_READS_PER_MINUTE", "SILENCE_GAPS",
)  # fmt: skip
TOKENS = ("MINT_POLICY_FILE", "TOKEN_MARGIN_SECONDS")
HTTP = (
    "HOST", "PORT", "PUBLIC_URL", "ADMIN_KEY", "MAX_BODY", "BODY_BUDGET", "LOG_LEVEL", "LOG_FORMAT",
)  # fmt: skip
SIGN_IN = (
    "GITHUB_OAUTH_CLIENT_ID", "GITHUB_OAUTH_CLIENT_SECRET", "OIDC_ISSUER", "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET", "TEAMS_FILE", "ADMINS", "SESSION_IDLE_SECONDS", "SESSION_MAX_SECONDS",
)  # fmt: skip
ACCESS = (
    "AUDIT_KEY", "AUDIT_DAYS", "CALLS_PER_SECOND", "CALLS_AT_ONCE", "STRANGERS_PER_SECOND",
    "STRANGERS_AT_ONCE",
)  # fmt: skip
PROPOSALS = (
    "PROPOSALS_COMMAND", "PROPOSALS_URL", "PROPOSALS_MODEL", "PROPOSALS_KEY", "PROPOSALS_SECONDS",
)  # fmt: skip
TRUST = ("JWT_SECRET", "JWT_ISSUER", "JWT_AUDIENCE", "ISSUERS_FILE", "OUTBOUND_ALLOW")
WORKER = (
    "CONCURRENCY", "LEASE_SECONDS", "DRAIN_SECONDS", "DRAIN_NOTICE_SECONDS", "TASK_LOGS_DIR",
    "AGENT_COMMAND", "AGENT_TIMEOUT_SECONDS", "RETENTION_DAYS", "LANES",
    "LEASES_PER_KEY", "LEASES_PER_OWNER",
)  # fmt: skip


SLACK = ("SLACK_BOT_TOKEN", "SLACK_CHANNELS", "SLACK_API_URL")
FEED = ("SUBSCRIBERS_ALLOW", "CHANGE_SINKS")
KAFKA = (
    "KAFKA_BROKERS", "KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_USERNAME",
    "KAFKA_PASSWORD", "KAFKA_CA_FILE", "KAFKA_CERTIFICATE_FILE", "KAFKA_PRIVATE_KEY",
    "KAFKA_MAX_MESSAGE",
)  # fmt: skip
SECRETS = ("SECRET_SOURCES", "SEALING_KEYS")


def build_settings(values: Mapping[str, Value], kept: tuple[Kept, ...] = ()) -> Settings:
    """Checked values by name → the frozen tree."""

    def some(*names: str) -> Iterator[Value]:
        return (values[f"HOOKYARD_{name}"] for name in names)

    (data_dir,) = some("DATA_DIR")
    (otel_endpoint,) = some("OTEL_ENDPOINT")
    brokers = KafkaSettings(*some(*KAFKA))  # type: ignore[arg-type]
    settings = Settings(
        data_dir,  # type: ignore[arg-type]
        DatabaseSettings(*some(*DATABASE)),  # type: ignore[arg-type]
        QueueSettings(*some(*QUEUE)),  # type: ignore[arg-type]
        GitHubSettings(*some(*GITHUB)),  # type: ignore[arg-type]
        SourceSettings(*some(*SOURCES)),  # type: ignore[arg-type]
        RecoverySettings(*some(*RECOVERY)),  # type: ignore[arg-type]
        HttpSettings(*some(*HTTP)),  # type: ignore[arg-type]
        WorkerSettings(*some(*WORKER)),  # type: ignore[arg-type]
        otel_endpoint,  # type: ignore[arg-type]
        BlobSettings(*some(*BLOBS)),  # type: ignore[arg-type]
        SignInSettings(*some(*SIGN_IN)),  # type: ignore[arg-type]
        AccessSettings(*some(*ACCESS)),  # type: ignore[arg-type]
        TrustSettings(*some(*TRUST)),  # type: ignore[arg-type]
        TokenSettings(*some(*TOKENS)),  # type: ignore[arg-type]
        ProposalSettings(*some(*PROPOSALS)),  # type: ignore[arg-type]
        replace(SecretSettings(*some(*SECRETS)), kept=kept),  # type: ignore[arg-type]
        SlackSettings(*some(*SLACK)),  # type: ignore[arg-type]
        replace(FeedSettings(*some(*FEED)), kafka=brokers),  # type: ignore[arg-type]
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if settings.worker.retention_days < 7:
        raise ConfigurationError(
            "HOOKYARD_RETENTION_DAYS must be at least 7: deliveries may be sent again for days, "
            "and what is forgotten cannot be recognised"
        )
    if settings.queue.backend == "redis" and settings.queue.redis_url is None:
        raise ConfigurationError("REDIS_URL is missing: QUEUE_BACKEND=redis needs it")
    if settings.database.direct_url and not settings.database.url:
        raise ConfigurationError(
            "HOOKYARD_DATABASE_DIRECT_URL leads around a pooler to the database of "
            "DATABASE_URL, which is not set"
        )
    _check_blobs(settings.blobs)
    _check_proposals(settings.proposals)
    _check_sign_in(settings.sign_in)
    if settings.tokens.margin_s > 1800:
        raise ConfigurationError(
            "HOOKYARD_TOKEN_MARGIN_SECONDS must be at most 1800: GitHub's tokens live an hour"
        )
    _check_app(settings.github)
    check_kafka(settings.feed.kafka)


def _check_app(given: GitHubSettings) -> None:
    if given.private_key and given.signer:
        raise ConfigurationError(
            "GITHUB_PRIVATE_KEY and HOOKYARD_GITHUB_SIGNER are both set; keep the one that signs"
        )
    if bool(given.app_id) != bool(given.private_key or given.signer):
        missing = "GITHUB_PRIVATE_KEY" if given.app_id else "GITHUB_APP_ID"
        raise ConfigurationError(f"{missing} is missing: a GitHub App needs both id and key")


def _check_sign_in(given: SignInSettings) -> None:
    if bool(given.github_client_id) != bool(given.github_client_secret):
        missing = "SECRET" if given.github_client_id else "ID"
        raise ConfigurationError(
            f"GITHUB_OAUTH_CLIENT_{missing} is missing: signing in with GitHub needs both"
        )
    if bool(given.oidc_issuer) != bool(given.oidc_client_id):
        missing = "OIDC_CLIENT_ID" if given.oidc_issuer else "OIDC_ISSUER"
        raise ConfigurationError(f"{missing} is missing: signing in by OIDC needs both")
    if given.idle_s < 300:
        raise ConfigurationError(
            "HOOKYARD_SESSION_IDLE_SECONDS must be at least 300: the use of a session is noted "
            "once a minute"
        )
    if given.absolute_s < given.idle_s:
        raise ConfigurationError(
            "HOOKYARD_SESSION_MAX_SECONDS must not be less than HOOKYARD_SESSION_IDLE_SECONDS"
        )


def _check_proposals(given: ProposalSettings) -> None:
    if given.command and given.url:
        raise ConfigurationError(
            "HOOKYARD_PROPOSALS_COMMAND and HOOKYARD_PROPOSALS_URL are both set; keep one of them"
        )
    if given.url and not given.model:
        raise ConfigurationError(
            "HOOKYARD_PROPOSALS_MODEL is missing: HOOKYARD_PROPOSALS_URL needs a model to ask"
        )
    if given.key and not given.url:
        raise ConfigurationError(
            "HOOKYARD_PROPOSALS_URL is missing: HOOKYARD_PROPOSALS_KEY is for that endpoint"
        )


def _check_blobs(blobs: BlobSettings) -> None:
    if bool(blobs.access_key_id) != bool(blobs.secret_access_key):
        missing = "SECRET_ACCESS_KEY" if blobs.access_key_id else "ACCESS_KEY_ID"
        raise ConfigurationError(f"BLOBSTORE_{missing} is missing: a bucket's key has both parts")
    if blobs.bucket is None and (blobs.endpoint or blobs.access_key_id or blobs.prefix):
        raise ConfigurationError(
            "BLOBSTORE_BUCKET is missing: without it large bytes go to the data folder"
        )


def _value(setting: Setting, raw: Mapping[str, str]) -> Value:
    name = next((name for name in setting.names if name in raw), None)
    if name is None:
        return setting.default
    try:
        return setting.parse(raw[name])
    except ValueError as error:
        reason = str(error) if str(error).startswith("must") else "cannot be read"
        raise ConfigurationError(f"{name}: {reason} ({setting.help})") from None

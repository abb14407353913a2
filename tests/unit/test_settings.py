"""Settings: where they come from, which source wins, and what a wrong one says."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret
from hookyard.settings import SETTINGS, Settings, load_settings

WORD = "correct-horse-battery"


def load(folder: Path, environ: Mapping[str, str] | None = None, **files: str) -> Settings:
    """Settings from this environment, with `env` and `toml` as the two files' text."""
    for name, text in files.items():
        (folder / {"env": ".env", "toml": "hookyard.toml"}[name]).write_text(text, "utf-8")
    return load_settings(environ or {}, folder=folder)


def refused(folder: Path, environ: Mapping[str, str] | None = None, **files: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        load(folder, environ, **files)
    return str(error.value)


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.data_dir == Path(".hookyard")
    assert settings.database.url is None
    assert settings.github.app_id is None
    assert settings.github.api_base_url == "https://api.github.com"
    assert settings.sources.github == ()
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8080)
    assert settings.http.max_body == 25 * 1024 * 1024


def test_the_environment_wins_over_dotenv_and_dotenv_over_toml(tmp_path: Path) -> None:
    toml, env = 'port = 1\nhost = "toml"\nlog_level = "error"', "HOOKYARD_PORT=2\nHOOKYARD_HOST=env"
    settings = load(tmp_path, {"HOOKYARD_PORT": "3"}, env=env, toml=toml)
    assert (settings.http.port, settings.http.host) == (3, "env")
    assert settings.http.log_level == "error"


@pytest.mark.parametrize(
    ("environ", "files"),
    [
        ({"DATABASE_URL": "postgresql://high"}, {"toml": 'database_url = "postgresql://low"'}),
        ({"DATABASE_URL": "postgresql://high"}, {"env": "HOOKYARD_DATABASE_URL=postgresql://low"}),
        (
            {},
            {
                "env": "DATABASE_URL=postgresql://high",
                "toml": '[database]\nurl = "postgresql://low"',
            },
        ),
    ],
)
def test_another_name_of_a_setting_wins_by_where_it_stands(
    tmp_path: Path, environ: Mapping[str, str], files: Mapping[str, str]
) -> None:
    url = load(tmp_path, environ, **files).database.url
    assert url is not None
    assert url.reveal() == "postgresql://high"


def test_a_file_named_in_the_environment_wins_over_a_value_below(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{WORD}\n")
    environ = {"GITHUB_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")}
    settings = load(tmp_path, environ, env="HOOKYARD_GITHUB_WEBHOOK_SECRET=old")
    assert [secret.reveal() for secret in settings.sources.github] == [WORD]


def test_of_two_names_in_one_place_the_own_one_wins(tmp_path: Path) -> None:
    settings = load(tmp_path, {"PORT": "1", "HOOKYARD_PORT": "2"})
    assert settings.http.port == 2


@pytest.mark.parametrize(
    ("own", "name"), [(setting.name, name) for setting in SETTINGS for name in setting.also]
)
def test_a_conventional_name_does_what_the_own_one_does(
    tmp_path: Path, own: str, name: str
) -> None:
    good = {
        "DATABASE_URL": "postgresql://h/d",
        "QUEUE_BACKEND": "database",
        "REDIS_URL": "redis://h/0",
        "LOG_LEVEL": "debug",
        "GITHUB_API_BASE_URL": "https://ghe.example/api/v3",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "BLOBSTORE_BUCKET": "a-bucket",
        "BLOBSTORE_ENDPOINT": "https://s3.example",
        "OIDC_ISSUER": "https://id.example/",
        "GITHUB_SIGNER": "aws-kms:eu-west-1/alias/app",
        "KAFKA_BOOTSTRAP_SERVERS": "k1.example:9092",
    }
    needs = {
        "HOOKYARD_GITHUB_APP_ID": {"GITHUB_PRIVATE_KEY": "k"},
        "HOOKYARD_GITHUB_PRIVATE_KEY": {"GITHUB_APP_ID": "7"},
        "HOOKYARD_GITHUB_SIGNER": {"GITHUB_APP_ID": "7"},
        "HOOKYARD_GITHUB_OAUTH_CLIENT_ID": {"GITHUB_OAUTH_CLIENT_SECRET": "s"},
        "HOOKYARD_GITHUB_OAUTH_CLIENT_SECRET": {"GITHUB_OAUTH_CLIENT_ID": "c"},
        "HOOKYARD_OIDC_ISSUER": {"OIDC_CLIENT_ID": "c"},
        "HOOKYARD_OIDC_CLIENT_ID": {"OIDC_ISSUER": "https://id.example"},
        "HOOKYARD_BLOBSTORE_ENDPOINT": {"BLOBSTORE_BUCKET": "a-bucket"},
        "HOOKYARD_BLOBSTORE_PREFIX": {"BLOBSTORE_BUCKET": "a-bucket"},
        "HOOKYARD_BLOBSTORE_ACCESS_KEY_ID": {
            "BLOBSTORE_BUCKET": "a-bucket",
            "BLOBSTORE_SECRET_ACCESS_KEY": "s",
        },
        "HOOKYARD_BLOBSTORE_SECRET_ACCESS_KEY": {
            "BLOBSTORE_BUCKET": "a-bucket",
            "BLOBSTORE_ACCESS_KEY_ID": "k",
        },
    }.get(own, {})
    value = good.get(name, "7")
    settings = load(tmp_path, {name: value, **needs})
    assert settings == load(tmp_path, {own: value, **needs})
    if name != "QUEUE_BACKEND":
        assert settings != load(tmp_path)


def test_blank_means_not_set(tmp_path: Path) -> None:
    settings = load(tmp_path, {"HOOKYARD_PORT": "  ", "DATABASE_URL": ""}, toml="port = 5")
    assert settings.http.port == 5
    assert settings.database.url is None


def test_dotenv_knows_comments_quotes_and_export(tmp_path: Path) -> None:
    text = "# a comment\n\nexport HOOKYARD_HOST='0.0.0.0'\nHOOKYARD_LOG_LEVEL = \"debug\"\n"
    settings = load(tmp_path, env=text)
    assert (settings.http.host, settings.http.log_level) == ("0.0.0.0", "debug")  # noqa: S104


def test_secrets_are_lists_split_at_commas(tmp_path: Path) -> None:
    settings = load(
        tmp_path, {"SLACK_SIGNING_SECRET": " new , old ,"}, toml='jira_webhook_secret = ["a", "b"]'
    )
    assert [s.reveal() for s in settings.sources.slack] == ["new", "old"]
    assert [s.reveal() for s in settings.sources.jira] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("HOOKYARD_PORT", "http", "Port to listen on"),
        ("HOOKYARD_PORT", "70000", "must be a port between 0 and 65535"),
        ("PORT", "-1", "must be a port"),
        ("HOOKYARD_CONCURRENCY", "0", "must be a whole number above 0"),
        ("HOOKYARD_CONCURRENCY", "9" * 5_000, "cannot be read"),
        ("HOOKYARD_LEASE_SECONDS", "nan", "must be a number of seconds above 0"),
        ("HOOKYARD_LEASE_SECONDS", "inf", "must be a number of seconds above 0"),
        ("DATABASE_URL", f"mysql://root:{WORD}@h/d", "must start with postgresql://"),
        ("GITHUB_API_BASE_URL", "api.github.com", "must start with http"),
        ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
        ("QUEUE_BACKEND", "kafka", "must be one of database"),
        ("HOOKYARD_RETENTION_DAYS", "3", "must be at least 7"),
        ("GITHUB_APP_ID", "12", "GITHUB_PRIVATE_KEY is missing"),
        ("GITHUB_PRIVATE_KEY", WORD, "GITHUB_APP_ID is missing"),
    ],
)
def test_a_wrong_value_names_the_setting_and_the_fix(
    tmp_path: Path, name: str, value: str, fix: str
) -> None:
    said = refused(tmp_path, {name: value})
    assert name in said or "is missing" in said
    assert fix in said
    assert "\n" not in said
    assert WORD not in said


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    assert "GITHUB_PRIVATE_KEY_FILE: cannot read" in refused(
        tmp_path, {"GITHUB_PRIVATE_KEY_FILE": str(tmp_path / "nowhere")}
    )
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    said = refused(tmp_path, {"HOOKYARD_ADMIN_KEY_FILE": str(tmp_path / "binary")})
    assert said.startswith("HOOKYARD_ADMIN_KEY_FILE: cannot read")


def test_wrong_lines_are_named(tmp_path: Path) -> None:
    assert refused(tmp_path, env="A=1\nwhat is this\n") == ".env, line 2: expected NAME=value"


def test_a_dotenv_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    assert refused(tmp_path).startswith(".env: ")


def test_toml_is_checked_for_names_nobody_knows(tmp_path: Path) -> None:
    assert refused(tmp_path, toml="prot = 1") == "hookyard.toml: no such setting: HOOKYARD_PROT"
    assert "hookyard.toml" in refused(tmp_path, toml="port = = 1")


def test_no_secret_is_in_the_settings_repr(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        {
            "GITHUB_APP_ID": "1",
            "GITHUB_PRIVATE_KEY": WORD,
            "GITHUB_WEBHOOK_SECRET": WORD,
            "JIRA_WEBHOOK_SECRET": WORD,
            "SLACK_SIGNING_SECRET": WORD,
            "SENTRY_WEBHOOK_SECRET": WORD,
            "HOOKYARD_ADMIN_KEY": WORD,
            "DATABASE_URL": f"postgresql://u:{WORD}@h/d",
        },
    )
    assert WORD not in repr(settings) + str(settings)
    assert settings.github.private_key is not None
    assert settings.github.private_key.reveal() == WORD


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        load(tmp_path).http.port = 1  # type: ignore[misc]


def test_every_setting_is_in_the_example_file() -> None:
    example = (Path(__file__).parents[2] / "env.example").read_text("utf-8")
    missing = [s.name for s in SETTINGS if not any(name in example for name in s.names)]
    assert missing == []


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"GITHUB_OAUTH_CLIENT_ID": "c"}, "GITHUB_OAUTH_CLIENT_SECRET is missing"),
        ({"GITHUB_OAUTH_CLIENT_SECRET": "s"}, "GITHUB_OAUTH_CLIENT_ID is missing"),
        ({"OIDC_ISSUER": "https://id.example"}, "OIDC_CLIENT_ID is missing"),
        ({"OIDC_CLIENT_ID": "c"}, "OIDC_ISSUER is missing"),
        ({"OIDC_ISSUER": "id.example", "OIDC_CLIENT_ID": "c"}, "must start with http"),
        ({"HOOKYARD_SESSION_IDLE_SECONDS": "60"}, "at least 300"),
        ({"HOOKYARD_SESSION_MAX_SECONDS": "600"}, "must not be less"),
    ],
)
def test_sign_in_that_is_half_set_up_stops_the_start(
    tmp_path: Path, environ: dict[str, str], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        load(tmp_path, environ)


def test_an_issuer_keeps_the_slash_at_its_end(tmp_path: Path) -> None:
    environ = {"OIDC_ISSUER": "https://id.example/", "OIDC_CLIENT_ID": "c"}
    assert load(tmp_path, environ).sign_in.oidc_issuer == "https://id.example/"


def test_sinks_of_changes_are_named_once_and_lead_somewhere(tmp_path: Path) -> None:
    text = (
        "bus=redis:changes,audit=sqs:https://sqs.eu-west-1.amazonaws.com/1/changes.fifo,"
        "log=kafka:team.changes_v1"
    )
    settings = load(tmp_path, {"HOOKYARD_CHANGE_SINKS": text})
    assert settings.feed.sinks == tuple(text.split(","))
    for wrong in (
        "bus", "bus=rabbit:x", "bus=kafka:", "bus=kafka:a b", "bus=kafka:..",
        "bus=redis:", "bus=redis:a b", "a=redis:x,a=redis:y",
        "webhook=redis:x", "B=redis:x", "bus=sqs:ftp://x",
    ):  # fmt: skip
        assert refused(tmp_path, {"HOOKYARD_CHANGE_SINKS": wrong}).startswith(
            "HOOKYARD_CHANGE_SINKS: must"
        )


KAFKA = {"KAFKA_BOOTSTRAP_SERVERS": "k1.example:9093, k2.example:9093,[::1]:9092"}
SIGNED_IN = {"HOOKYARD_KAFKA_USERNAME": "u", "HOOKYARD_KAFKA_PASSWORD": "planted-password"}
TLS = {"HOOKYARD_KAFKA_CERTIFICATE_FILE": "c.pem", "HOOKYARD_KAFKA_PRIVATE_KEY": "planted-key"}


def test_brokers_of_kafka_and_how_they_are_reached(tmp_path: Path) -> None:
    found = load(tmp_path, KAFKA).feed.kafka
    assert found.brokers == ("k1.example:9093", "k2.example:9093", "[::1]:9092")
    assert (found.protocol, found.mechanism) == ("plaintext", "SCRAM-SHA-512")
    environ = KAFKA | SIGNED_IN | TLS | {"HOOKYARD_KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}
    settings = load(tmp_path, environ)
    assert settings.feed.kafka.password == Secret("planted-password")
    assert "planted" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HOOKYARD_KAFKA_BROKERS": "k1.example"}, "must be host:port of some brokers"),
        ({"HOOKYARD_KAFKA_BROKERS": "kafka://k1:9092"}, "must be host:port of some brokers"),
        ({"HOOKYARD_KAFKA_SECURITY_PROTOCOL": "tls"}, "must be one of plaintext, ssl"),
        ({"HOOKYARD_KAFKA_MAX_MESSAGE": "10"}, "must be a number of bytes from 10000"),
        ({"HOOKYARD_KAFKA_USERNAME": "u"}, "HOOKYARD_KAFKA_PASSWORD is missing"),
        ({"HOOKYARD_KAFKA_PASSWORD": "planted"}, "HOOKYARD_KAFKA_USERNAME is missing"),
        (SIGNED_IN, "must be sasl_ssl or sasl_plaintext"),
        ({"HOOKYARD_KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}, "HOOKYARD_KAFKA_USERNAME is missing"),
        ({"HOOKYARD_KAFKA_CA_FILE": "ca.pem"}, "must be ssl or sasl_ssl"),
        ({"HOOKYARD_KAFKA_CERTIFICATE_FILE": "c.pem"}, "HOOKYARD_KAFKA_PRIVATE_KEY is missing"),
        ({"HOOKYARD_KAFKA_PRIVATE_KEY": "planted"}, "HOOKYARD_KAFKA_CERTIFICATE_FILE is missing"),
    ],
)
def test_settings_of_kafka_that_do_not_go_together_are_named(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    why = refused(tmp_path, environ)
    assert said in why
    assert "planted" not in why

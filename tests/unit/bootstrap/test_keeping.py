"""Settings whose secrets come from sources: order, refusals, nothing shown."""

import os
from pathlib import Path

import pytest

from hookyard.bootstrap.keeping import load_settings, open_signer, open_wrapper
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import KeptAt
from hookyard.settings import load_settings as plain_settings
from hookyard.settings.appfile import write_app_file
from hookyard.settings.places import secret_sources, signing_key, wrapping_keys
from tests.support.secret_stubs_vault import VAULT_ENV, VaultStub


def put(folder: Path, name: str, value: str, mode: int = 0o600) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(value)
    (folder / name).chmod(mode)


def test_without_sources_secrets_come_from_the_settings(tmp_path: Path) -> None:
    found = load_settings({"GITHUB_WEBHOOK_SECRET": "one,two"}, folder=tmp_path)
    assert [secret.reveal() for secret in found.sources.github] == ["one", "two"]
    assert [(kept.name, kept.source) for kept in found.secrets.kept] == [
        ("HOOKYARD_GITHUB_WEBHOOK_SECRET", "env:")
    ]


def test_a_folder_gives_what_is_in_force_and_what_was_before(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    put(secrets, "GITHUB_WEBHOOK_SECRET", "planted-new,with-comma\n")
    put(secrets, "GITHUB_WEBHOOK_SECRET.previous", "planted-old\n")
    put(secrets, "database-url", "postgresql://me:planted-password@db/hookyard")
    environ = {"HOOKYARD_SECRET_SOURCES": f"file:{secrets},env:", "HOOKYARD_ADMIN_KEY": "a" * 20}
    found = load_settings(environ, folder=tmp_path)
    assert [secret.reveal() for secret in found.sources.github] == [
        "planted-new,with-comma",
        "planted-old",
    ]
    assert found.database.url is not None
    assert found.database.url.reveal().endswith("@db/hookyard")
    assert found.http.admin_key is not None
    by_name = {kept.name: kept.source for kept in found.secrets.kept}
    assert by_name["HOOKYARD_ADMIN_KEY"] == "env:"
    assert by_name["HOOKYARD_DATABASE_URL"] == f"file:{secrets}"
    assert "planted" not in repr(found)


def store_app(data: Path) -> None:
    """An App as `hookyard github setup` stores it."""
    data.mkdir()
    put(data / "secrets", "github-webhook-secret", "planted-stored")
    put(data / "secrets", "github-private-key", "planted-key")
    write_app_file(data, {"GITHUB_APP_ID": "7", "GITHUB_APP_SLUG": "robot"})


def test_a_stored_app_is_used_where_nothing_else_is_said(tmp_path: Path) -> None:
    store_app(tmp_path / "data")
    environ = {"HOOKYARD_DATA_DIR": str(tmp_path / "data")}
    found = load_settings(environ, folder=tmp_path)
    assert (found.github.app_id, found.github.app_slug) == ("7", "robot")
    assert [str(one) for one in found.secrets.sources] == [
        "env:",
        f"file:{tmp_path / 'data/secrets'}",
    ]
    over = load_settings(environ | {"GITHUB_WEBHOOK_SECRET": "mine"}, folder=tmp_path)
    assert [secret.reveal() for secret in over.sources.github] == ["mine"]


def test_an_app_of_the_settings_puts_a_stored_one_out_of_use(tmp_path: Path) -> None:
    store_app(tmp_path / "data")
    environ = {
        "HOOKYARD_DATA_DIR": str(tmp_path / "data"),
        "GITHUB_APP_ID": "8",
        "GITHUB_PRIVATE_KEY": "k",
    }
    found = load_settings(environ, folder=tmp_path)
    assert (found.github.app_id, found.github.app_slug) == ("8", None)
    assert found.sources.github == ()


def test_secrets_without_the_file_that_names_the_app_are_not_in_use(tmp_path: Path) -> None:
    store_app(tmp_path / "data")
    (tmp_path / "data/github-app.env").unlink()
    found = load_settings({"HOOKYARD_DATA_DIR": str(tmp_path / "data")}, folder=tmp_path)
    assert (found.github.app_id, found.sources.github) == (None, ())


def test_the_first_source_wins(tmp_path: Path) -> None:
    put(tmp_path / "s", "GITHUB_WEBHOOK_SECRET", "from-file")
    environ = {"GITHUB_WEBHOOK_SECRET": "from-env"}
    for order, expected in (("file:{},env:", "from-file"), ("env:,file:{}", "from-env")):
        given = {**environ, "HOOKYARD_SECRET_SOURCES": order.format(tmp_path / "s")}
        found = load_settings(given, folder=tmp_path)
        assert [secret.reveal() for secret in found.sources.github] == [expected]


def test_a_secret_where_no_source_looks_stops_the_start(tmp_path: Path) -> None:
    put(tmp_path / "s", "ADMIN_KEY", "k" * 20)
    environ = {
        "HOOKYARD_SECRET_SOURCES": f"file:{tmp_path / 's'}",
        "GITHUB_WEBHOOK_SECRET": "planted-one",
    }
    with pytest.raises(ConfigurationError, match="does not list env:") as caught:
        load_settings(environ, folder=tmp_path)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("is_optional", "has_stand_in"), [(False, True), (True, True), (True, False)]
)
def test_a_source_that_fails_stops_the_start_unless_it_is_optional(
    tmp_path: Path, is_optional: bool, has_stand_in: bool
) -> None:
    put(tmp_path / "s", "GITHUB_WEBHOOK_SECRET", "planted-open", 0o644)
    mark = "?optional" if is_optional else ""
    environ = {"HOOKYARD_SECRET_SOURCES": f"file:{tmp_path / 's'}{mark},env:"}
    if has_stand_in:
        environ["GITHUB_WEBHOOK_SECRET"] = "stand-in"
    if not is_optional:
        with pytest.raises(ConfigurationError, match="chmod 600") as caught:
            load_settings(environ, folder=tmp_path)
        assert "planted" not in str(caught.value)
        return
    found = load_settings(environ, folder=tmp_path)
    values = [secret.reveal() for secret in found.sources.github]
    assert values == (["stand-in"] if has_stand_in else [])
    (kept,) = [k for k in found.secrets.kept if k.name == "HOOKYARD_GITHUB_WEBHOOK_SECRET"]
    assert kept.failed == (f"file:{tmp_path / 's'}",)


def test_a_vault_fills_the_settings_and_a_wrong_token_stops_the_start(tmp_path: Path) -> None:
    stub = VaultStub(ManualClock())
    stub.secrets["hookyard/jira-webhook-secret"] = [b"planted-old", b"planted-new"]
    stub.secrets["hookyard/redis-url"] = [b"redis://:planted@cache:6379"]
    environ = {**VAULT_ENV, "HOOKYARD_SECRET_SOURCES": "vault:secret/hookyard"}
    found = load_settings(environ, folder=tmp_path, transport=stub.transport())
    assert [secret.reveal() for secret in found.sources.jira] == ["planted-new", "planted-old"]
    assert found.queue.redis_url is not None
    environ["VAULT_TOKEN"] = "planted-wrong"
    with pytest.raises(ConfigurationError, match="refused our credentials") as caught:
        load_settings(environ, folder=tmp_path, transport=stub.transport())
    assert "planted" not in str(caught.value)


def test_a_value_of_the_wrong_shape_names_its_source_and_not_itself(tmp_path: Path) -> None:
    put(tmp_path / "s", "DATABASE_URL", "mysql://planted")
    environ = {"HOOKYARD_SECRET_SOURCES": f"file:{tmp_path / 's'}"}
    with pytest.raises(ConfigurationError, match="HOOKYARD_DATABASE_URL from file:") as caught:
        load_settings(environ, folder=tmp_path)
    assert "planted" not in str(caught.value)


def test_listing_sources_and_not_reading_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="were not read"):
        plain_settings({"HOOKYARD_SECRET_SOURCES": "env:"}, folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    ["envv:", "env", "file:", "gcp-sm:acme", "aws-sm:here", "vault:secret", "azure-kv:a",
     "env:,env:", "vault:secret/../x", "gcp-sm:projects/a/b/c", ","],
)  # fmt: skip
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must"):
        secret_sources(text)


def test_places_are_read_as_they_are_written() -> None:
    text = "vault:secret/hookyard?optional, gcp-sm:projects/acme/team,aws-sm:eu-west-1/a/b,env:"
    found = secret_sources(text)
    assert [str(place) for place in found] == [
        "vault:secret/hookyard", "gcp-sm:projects/acme/team", "aws-sm:eu-west-1/a/b", "env:",
    ]  # fmt: skip
    assert [place.is_optional for place in found] == [True, False, False, False]
    ring = "projects/a/locations/global/keyRings/r/cryptoKeys/k"
    assert wrapping_keys(f"gcp-kms:{ring},local:") == (KeptAt("gcp-kms", ring), KeptAt("local"))
    assert signing_key("aws-kms:us-east-1/alias/app").path == "us-east-1/alias/app"


@pytest.mark.parametrize(
    "text", ["local:", "gcp-kms:projects/a/locations/b/keyRings/c/cryptoKeys/d",
             "azure-kv:acme-vault/wrap", "vault-transit:transit/wrap", "aws-kms:eu-west-1/alias/x"]
)  # fmt: skip
async def test_every_kind_of_wrapping_key_opens(tmp_path: Path, text: str) -> None:
    (place,) = wrapping_keys(text)
    wrapper = open_wrapper(place, tmp_path, VAULT_ENV, ManualClock())
    assert wrapper.provider == place.kind
    await wrapper.close()


@pytest.mark.parametrize(
    "text", ["gcp-kms:projects/a/locations/b/keyRings/c/cryptoKeys/d/cryptoKeyVersions/1",
             "azure-kv:acme-vault/sign", "vault-transit:transit/sign", "aws-kms:eu-west-1/abc"]
)  # fmt: skip
async def test_every_kind_of_signing_key_opens(text: str) -> None:
    signer = open_signer(signing_key(text), VAULT_ENV, ManualClock())
    await signer.close()


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir(mode=0)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings({"HOOKYARD_SECRET_SOURCES": f"file:{tmp_path / 's'}"}, folder=tmp_path)

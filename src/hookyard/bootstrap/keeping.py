"""Settings → where secrets are kept, what wraps data keys, what signs; secrets read at the start.

The start is synchronous and stays so: where HOOKYARD_SECRET_SOURCES is set, `load_settings` runs
an event loop of its own for as long as the reading takes, and what was read is one more place that
settings come from. The process then keeps its secrets fresh with a `Keeper`.
"""

import asyncio
import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from hookyard import settings as base
from hookyard.adapters.secrets.backends.env import EnvSource
from hookyard.adapters.secrets.backends.folder import FolderSource
from hookyard.adapters.secrets.backends.keyfile import KeyFile
from hookyard.adapters.secrets.keeper import Keeper, Listed, Wanted
from hookyard.adapters.secrets.port import JwtSigner, KeyWrapper, SecretSource, SecretTrouble
from hookyard.kit.clock import Clock, SystemClock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret
from hookyard.settings import SETTINGS, Kept, KeptAt, Settings, raw_secrets
from hookyard.settings.appfile import SECRETS_FOLDER
from hookyard.settings.places import secret_sources

if TYPE_CHECKING:
    from hookyard.adapters.secrets.backends.aws import AwsOptions

SEALING_FILE = "sealing.key"
WANTED = tuple(Wanted(setting.name, setting.is_list) for setting in SETTINGS if setting.is_secret)
Transport = httpx2.AsyncBaseTransport | None


def load_settings(
    environ: Mapping[str, str] | None = None,
    *,
    folder: Path | None = None,
    transport: Transport = None,
) -> Settings:
    """Every setting, secrets from their sources. ConfigurationError names what is wrong.

    Must not be called on a running event loop.
    """
    given, where = os.environ if environ is None else environ, folder or Path.cwd()
    raw = base.read_environment(where, given)
    listed = listed_in(raw) or stored_in(where, given)
    if not listed:
        return base.load_settings(given, folder=where)
    kept = asyncio.run(_read(listed, raw, transport))
    return base.load_settings(given, folder=where, kept=kept, sources=listed)


def stored_in(folder: Path, environ: Mapping[str, str]) -> tuple[KeptAt, ...]:
    """The sources where none are listed and `hookyard github setup` stored an App: the settings,
    then the folder that has its secrets. None where nothing was stored."""
    data_dir = base.stored_app_in(folder, environ)
    if data_dir is None:
        return ()
    return (KeptAt("env"), KeptAt("file", str(data_dir / SECRETS_FOLDER)))


def listed_in(raw: Mapping[str, str]) -> tuple[KeptAt, ...]:
    """The sources that raw settings list."""
    text = raw.get("HOOKYARD_SECRET_SOURCES", "").strip()
    try:
        return secret_sources(text) if text else ()
    except ValueError as error:
        raise ConfigurationError(f"HOOKYARD_SECRET_SOURCES: {error}") from None


def open_keeper(
    settings: Settings, environ: Mapping[str, str], clock: Clock, transport: Transport = None
) -> Keeper | None:
    """What keeps the secrets of the settings fresh; None where they come from no source."""
    given = settings.secrets
    if not given.sources:
        return None
    start = {kept.name: kept for kept in given.kept}
    return Keeper(open_sources(given.sources, environ, clock, transport), WANTED, clock, start)


def open_sources(
    places: Sequence[KeptAt], raw: Mapping[str, str], clock: Clock, transport: Transport = None
) -> list[Listed]:
    """Each source in its order; nothing is asked of it yet."""
    return [Listed(_source(place, raw, clock, transport), place.is_optional) for place in places]


def open_wrapper(
    place: KeptAt,
    data_dir: Path,
    environ: Mapping[str, str],
    clock: Clock,
    transport: Transport = None,
) -> KeyWrapper:
    """A wrapping key; nothing is asked of it yet."""
    match place.kind:
        case "local":
            return KeyFile(data_dir / SEALING_FILE)
        case "gcp-kms":
            from hookyard.adapters.secrets.backends.gcp_auth import gcp_credential
            from hookyard.adapters.secrets.backends.gcp_kms import GcpKeyWrapper

            return GcpKeyWrapper(place.path, gcp_credential(environ, clock, transport), transport)
        case "azure-kv":
            from hookyard.adapters.secrets.backends.azure_auth import azure_credential
            from hookyard.adapters.secrets.backends.azure_keys import AzureKeyWrapper

            vault, _, name = place.path.partition("/")
            credential = azure_credential(environ, clock, transport)
            return AzureKeyWrapper(vault, name, credential, transport)
        case "vault-transit":
            from hookyard.adapters.secrets.backends.vault import VaultKeyWrapper
            from hookyard.adapters.secrets.backends.vault_auth import VaultLogin

            return VaultKeyWrapper(place.path, VaultLogin(environ, clock, transport), transport)
        case _:
            options, key = _aws(place, environ, "HOOKYARD_SEALING_KEYS")
            from hookyard.adapters.secrets.backends.aws import AwsKeyWrapper

            return AwsKeyWrapper(key, options)


def open_signer(
    key: KeptAt | Secret, environ: Mapping[str, str], clock: Clock, transport: Transport = None
) -> JwtSigner:
    """A signing key: a PEM, or a place whose key never leaves it."""
    if isinstance(key, Secret):
        from hookyard.adapters.secrets.backends.pem import PemSigner

        return PemSigner(key)
    match key.kind:
        case "gcp-kms":
            from hookyard.adapters.secrets.backends.gcp_auth import gcp_credential
            from hookyard.adapters.secrets.backends.gcp_kms import GcpSigner

            return GcpSigner(key.path, gcp_credential(environ, clock, transport), transport)
        case "azure-kv":
            from hookyard.adapters.secrets.backends.azure_auth import azure_credential
            from hookyard.adapters.secrets.backends.azure_keys import AzureSigner

            vault, name, version = (*key.path.split("/"), "")[:3]
            credential = azure_credential(environ, clock, transport)
            return AzureSigner(vault, name, version, credential, transport)
        case "vault-transit":
            from hookyard.adapters.secrets.backends.vault import VaultSigner
            from hookyard.adapters.secrets.backends.vault_auth import VaultLogin

            return VaultSigner(key.path, VaultLogin(environ, clock, transport), transport)
        case _:
            options, name = _aws(key, environ, "the signing key")
            from hookyard.adapters.secrets.backends.aws import AwsSigner

            return AwsSigner(name, options)


async def _read(
    places: Sequence[KeptAt], raw: Mapping[str, str], transport: Transport
) -> Mapping[str, Kept]:
    clock = SystemClock()
    keeper = Keeper(open_sources(places, raw, clock, transport), WANTED, clock)
    try:
        return await keeper.read_all()
    except SecretTrouble as error:
        raise ConfigurationError(
            f"HOOKYARD_SECRET_SOURCES: {error.detail}; mend the source, or add ?optional to it "
            "where a later one may stand in"
        ) from None
    finally:
        await keeper.close()


def _source(
    place: KeptAt, raw: Mapping[str, str], clock: Clock, transport: Transport
) -> SecretSource:
    where, _, rest = place.path.partition("/")
    match place.kind:
        case "env":
            return EnvSource(raw_secrets(raw), clock)
        case "file":
            return FolderSource(Path(place.path).expanduser(), clock)
        case "gcp-sm":
            from hookyard.adapters.secrets.backends.gcp_auth import gcp_credential
            from hookyard.adapters.secrets.backends.gcp_secrets import GcpSecrets

            project, _, prefix = rest.partition("/")
            return GcpSecrets(
                project, prefix, gcp_credential(raw, clock, transport), clock, transport
            )
        case "azure-kv":
            from hookyard.adapters.secrets.backends.azure_auth import azure_credential
            from hookyard.adapters.secrets.backends.azure_secrets import AzureSecrets

            return AzureSecrets(
                where, rest, azure_credential(raw, clock, transport), clock, transport
            )
        case "vault":
            from hookyard.adapters.secrets.backends.vault import VaultSecrets
            from hookyard.adapters.secrets.backends.vault_auth import VaultLogin

            return VaultSecrets(place.path, VaultLogin(raw, clock, transport), clock, transport)
        case _:
            options, prefix = _aws(place, raw, "HOOKYARD_SECRET_SOURCES")
            from hookyard.adapters.secrets.backends.aws import AwsSecrets

            return AwsSecrets(prefix, options, clock)


def _aws(place: KeptAt, environ: Mapping[str, str], name: str) -> tuple["AwsOptions", str]:
    """Options for a place of AWS, and what follows its region."""
    if importlib.util.find_spec("aiobotocore") is None:
        raise ConfigurationError(f"{name}: {place.kind} needs hookyard[aws]; install it")
    from hookyard.adapters.secrets.backends.aws import AwsOptions

    region, _, rest = place.path.partition("/")
    key, secret, token = (
        environ.get(f"AWS_{part}", "").strip()
        for part in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    )
    options = AwsOptions(
        region,
        environ.get("AWS_ENDPOINT_URL", "").strip() or None,
        key or None,
        Secret(secret) if secret else None,
        Secret(token) if token else None,
    )
    return options, rest

"""Every setting with its value, secrets masked, and where the value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hookyard.adapters.telemetry.redact import Redactor
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret
from hookyard.settings import SETTINGS, Setting, Settings, Value, layers, read_environment

MASK = "***"


@dataclass(frozen=True, slots=True)
class Explained:
    """A setting as it holds. `wrong` says why its value cannot be used."""

    name: str
    value: str
    origin: str
    wrong: str | None = None


def explain_settings(folder: Path, environ: Mapping[str, str]) -> list[Explained]:
    """Each setting in the order of the table; ConfigurationError for a file nobody can read."""
    stack = layers(folder, environ)
    raw = read_environment(folder, environ)
    return [_explained(setting, raw, stack) for setting in SETTINGS]


def _explained(
    setting: Setting, raw: Mapping[str, str], stack: tuple[tuple[str, Mapping[str, str]], ...]
) -> Explained:
    name = next((name for name in setting.names if raw.get(name, "").strip()), None)
    if name is None:
        return Explained(setting.name, shown(setting.default), "default")
    origin = _origin(setting, stack)
    try:
        value = setting.parse(raw[name].strip())
    except ValueError as error:
        reason = str(error) if str(error).startswith("must") else "cannot be read"
        return Explained(setting.name, MASK, origin, f"{name}: {reason} ({setting.help})")
    return Explained(setting.name, shown(value), origin)


def _origin(setting: Setting, stack: tuple[tuple[str, Mapping[str, str]], ...]) -> str:
    """`NAME (.env)`; `NAME_FILE (environment)` for a value read from a file."""
    spellings = [spelled for name in setting.names for spelled in (name, f"{name}_FILE")]
    for layer, found in reversed(stack):
        for spelled in spellings:
            if found.get(spelled, "").strip():
                return f"{spelled} ({layer})"
    return setting.name


def shown(value: Value) -> str:
    """A value for people: secrets masked, but for the place of a database."""
    match value:
        case None | ():
            return "-"
        case Secret():
            return _place(value)
        case tuple():
            if isinstance(value[0], Secret):
                return MASK if len(value) == 1 else f"{len(value)} × {MASK}"
            return ",".join(str(part) for part in value)
        case _:
            return Redactor().text(str(value))


def _place(secret: Secret) -> str:
    """`postgresql://user:***@host/name` of a database's address, a mask for anything else."""
    try:
        parts = urlsplit(secret.reveal())
        host, port = parts.hostname, parts.port
    except ValueError:
        return MASK
    if not parts.scheme.startswith(("postgres", "redis")) or host is None:
        return MASK
    user = f"{parts.username}:{MASK}@" if parts.username else ""
    return f"{parts.scheme}://{user}{host}{f':{port}' if port else ''}{parts.path}"


def file_trouble(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Why the files of settings cannot be read, or None."""
    try:
        read_environment(folder, environ)
    except ConfigurationError as error:
        return str(error)
    return None


def with_sources(explained: list[Explained], settings: Settings) -> list[Explained]:
    """The same, each secret shown as its source gave it."""
    if not settings.secrets.sources:
        return explained
    given = {kept.name: kept for kept in settings.secrets.kept}
    secret = {setting.name for setting in SETTINGS if setting.is_secret}
    found: list[Explained] = []
    for one in explained:
        kept = given.get(one.name)
        if one.name not in secret:
            found.append(one)
        elif kept is None or not kept.values:
            found.append(Explained(one.name, "-", "no source has it"))
        else:
            which = f" version {kept.versions[0]}" if kept.versions and kept.versions[0] else ""
            value = shown(kept.values) if len(kept.values) > 1 else shown(kept.values[0])
            found.append(Explained(one.name, value, f"{kept.source}{which}"))
    return found

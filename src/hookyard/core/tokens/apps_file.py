"""Further GitHub Apps out of the sources file; pure but for reading the keys it names."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text
from hookyard.kit.secret import Secret

MAX_APPS = 100
GITHUB = "https://api.github.com"
_KEYS = frozenset({"id", "name", "api_base_url", "private_key_env", "private_key_file", "signer"})
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class AppConfig:
    """An App: its number, our name for it, where its GitHub is, and what signs for it.

    `private_key` is a PEM; or `signer` names a key that stays in a key service.
    """

    id: int
    name: str
    api_base_url: str
    private_key: Secret | None
    signer: str | None = None


def read_apps(text: str | None, environ: Mapping[str, str]) -> Sequence[AppConfig]:
    """The Apps under `apps:`; ConfigurationError names what is wrong and how to mend it."""
    if text is None:
        return ()
    try:
        tree: Json = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        raise ConfigurationError("HOOKYARD_SOURCES_FILE: not valid YAML") from None
    entries = as_object(tree).get("apps")
    if entries is None:
        return ()
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_APPS:
        raise ConfigurationError(
            f"HOOKYARD_SOURCES_FILE: `apps` must be a list of 1 to {MAX_APPS} Apps"
        )
    found = [_one(as_object(entry), n, environ) for n, entry in enumerate(as_list(entries), 1)]
    for what, values in (
        ("name", [app.name for app in found]),
        ("id", [f"{app.id} at {app.api_base_url}" for app in found]),
    ):
        for value in values:
            if values.count(value) > 1:
                raise ConfigurationError(f"HOOKYARD_SOURCES_FILE: two Apps have the {what} {value}")
    return found


def _one(entry: JsonObject, number: int, environ: Mapping[str, str]) -> AppConfig:
    name = as_text(entry.get("name"))

    def wrong(reason: str) -> ConfigurationError:
        return ConfigurationError(f"HOOKYARD_SOURCES_FILE, App {number} ({name}): {reason}")

    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise wrong(f"no such key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    if not _NAME.fullmatch(name):
        raise wrong("name must be lower-case letters, digits and dashes, at most 40")
    app_id = str(entry.get("id", ""))
    if not (app_id.isascii() and app_id.isdigit() and len(app_id) <= 15 and int(app_id)):
        raise wrong("id must be the App's number, as its settings on GitHub show it")
    base = as_text(entry.get("api_base_url")).rstrip("/") or GITHUB
    if not base.startswith(("http://", "https://")):
        raise wrong("api_base_url must start with https://; on a GHES it ends in /api/v3")
    key, signer = _key(entry, environ, wrong), as_text(entry.get("signer")) or None
    if (key is None) == (signer is None):
        raise wrong("give one of private_key_file, private_key_env and signer")
    return AppConfig(int(app_id), name, base, key, signer)


def _key(
    entry: JsonObject, environ: Mapping[str, str], wrong: Callable[[str], ConfigurationError]
) -> Secret | None:
    if entry.get("private_key_file") is not None and entry.get("private_key_env") is not None:
        raise wrong("give one of private_key_file and private_key_env")
    if entry.get("private_key_file") is not None:
        path = Path(as_text(entry.get("private_key_file"))).expanduser()
        try:
            return Secret(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise wrong(f"private_key_file: cannot read {path}: {type(error).__name__}") from None
    if entry.get("private_key_env") is not None:
        variable = as_text(entry.get("private_key_env"))
        value = environ.get(variable, "").strip()
        if not value:
            raise wrong(f"private_key_env names {variable or 'no variable'}, which is not set")
        return Secret(value)
    return None

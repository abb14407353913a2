"""Sources of webhooks from settings and the sources file; one without a secret does not start."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from hookyard.core.ingress.model import SourceConfig
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_KEYS = frozenset(
    {"id", "provider", "secrets", "secrets_env", "options", "allow", "repository", "api_token_env"}
)
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class PlainSecrets:
    """Secrets of one provider from plain settings; its source has the provider's name as id."""

    provider: str
    secrets: tuple[str, ...]
    options: Mapping[str, str]


def load_sources(
    plain: Iterable[PlainSecrets],
    file_text: str | None,
    environ: Mapping[str, str],
    providers: Iterable[str],
) -> tuple[SourceConfig, ...]:
    """Every configured source; ConfigurationError names what is wrong and how to mend it."""
    known = frozenset(providers)
    sources = [
        SourceConfig(p.provider, p.provider, tuple(s.encode() for s in p.secrets), dict(p.options))
        for p in plain
        if p.secrets
    ]
    if file_text is not None:
        sources += _from_file(file_text, environ, known)
    seen: set[str] = set()
    for source in sources:
        if source.id in seen:
            raise ConfigurationError(
                f"source {source.id!r} is configured twice (settings and sources file together); "
                "give each its own id"
            )
        seen.add(source.id)
    return tuple(sources)


def _from_file(
    text: str, environ: Mapping[str, str], providers: frozenset[str]
) -> Sequence[SourceConfig]:
    if len(text) > 1_000_000:
        raise ConfigurationError("HOOKYARD_SOURCES_FILE: larger than 1 MB")
    try:
        tree: Json = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"HOOKYARD_SOURCES_FILE{where}: not valid YAML") from None
    found = as_object(tree)
    entries = as_list(found.get("sources"))
    if not entries and ("apps" not in found or "sources" in found):
        raise ConfigurationError("HOOKYARD_SOURCES_FILE: expected a list named `sources`")
    return [_one(as_object(entry), n, environ, providers) for n, entry in enumerate(entries, 1)]


def _one(
    entry: JsonObject, number: int, environ: Mapping[str, str], providers: frozenset[str]
) -> SourceConfig:
    provider = as_text(entry.get("provider"))
    name = as_text(entry.get("id")) or provider

    def wrong(reason: str) -> ConfigurationError:
        return ConfigurationError(f"HOOKYARD_SOURCES_FILE, source {number} ({name}): {reason}")

    unknown = sorted(set(entry) - _KEYS)
    if unknown:
        raise wrong(f"no such key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    if provider not in providers:
        raise wrong(f"provider must be one of {', '.join(sorted(providers))}")
    if not _ID.fullmatch(name):
        raise wrong("id must be lower-case letters, digits and dashes, at most 40")
    for key in ("secrets", "secrets_env", "allow"):
        if not isinstance(entry.get(key, []), list):
            raise wrong(f"{key} must be a list")
    secrets = _secrets(entry, environ, wrong)
    repository = as_text(entry.get("repository")) or None
    if repository is not None and not _REPOSITORY.fullmatch(repository):
        raise wrong("repository must look like owner/name")
    if not isinstance(entry.get("options", {}), Mapping):
        raise wrong("options must be names with values")
    options = {str(key): str(value) for key, value in as_object(entry.get("options")).items()}
    who_may = as_list(entry.get("allow"))
    if not all(isinstance(who, str | int) and str(who).strip() for who in who_may):
        raise wrong("allow must hold names or ids")
    allow = tuple(str(who) for who in who_may)
    token = _token(entry, environ, wrong)
    return SourceConfig(name, provider, secrets, options, allow, repository, token)


def _token(
    entry: JsonObject, environ: Mapping[str, str], wrong: Callable[[str], ConfigurationError]
) -> str | None:
    """The key to the provider's own API, where a variable is named that holds one."""
    variable = as_text(entry.get("api_token_env"))
    if entry.get("api_token_env") is None:
        return None
    token = environ.get(variable, "").strip()
    if not token:
        raise wrong(f"api_token_env names {variable or 'no variable'}, which is not set")
    return token


def _secrets(
    entry: JsonObject, environ: Mapping[str, str], wrong: Callable[[str], ConfigurationError]
) -> tuple[bytes, ...]:
    # why: an empty line under `secrets` is null, and "None" would be a secret anybody can guess.
    if not all(isinstance(value, str) for value in as_list(entry.get("secrets"))):
        raise wrong("secrets must be texts; put numbers in quotes")
    values = [as_text(value) for value in as_list(entry.get("secrets"))]
    for variable in as_list(entry.get("secrets_env")):
        value = environ.get(str(variable), "")
        if not value.strip():
            raise wrong(f"secrets_env names {variable}, which is not set")
        values.append(value)
    if not values or not all(value.strip() for value in values):
        raise wrong("has no secret; add `secrets_env: [NAME]` or `secrets: [...]`")
    return tuple(value.encode() for value in values)

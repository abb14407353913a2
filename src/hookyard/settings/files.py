"""Settings out of `hookyard.toml` and `.env`."""

import tomllib
from collections.abc import Collection
from pathlib import Path

from hookyard.kit.errors import ConfigurationError


def from_toml(path: Path, known: Collection[str]) -> dict[str, str]:
    """Settings of a TOML file, flattened; ConfigurationError for one that is not `known`."""
    if not path.is_file():
        return {}
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path.name}: {error}") from None
    flat: dict[str, str] = {}
    for key, value in tree.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for inner, leaf in entries:
            name = "_".join(part for part in (key, inner) if part).upper()
            text = ",".join(map(str, leaf)) if isinstance(leaf, list) else str(leaf)
            flat[f"HOOKYARD_{name.removeprefix('HOOKYARD_')}"] = text
    unknown = sorted(set(flat) - set(known))
    if unknown:
        raise ConfigurationError(f"{path.name}: no such setting: {unknown[0]}")
    return flat


def from_dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines; ConfigurationError names the line that is none."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name}: cannot be read: {type(error).__name__}") from None
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not separator:
            raise ConfigurationError(f"{path.name}, line {number}: expected NAME=value")
        found[name.strip()] = value.strip().strip("'\"")
    return found

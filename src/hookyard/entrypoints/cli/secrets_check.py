"""What `hookyard secrets check` finds, and how it is shown."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from hookyard.adapters.secrets.port import SecretTrouble
from hookyard.bootstrap.keeping import open_sources
from hookyard.core.sealing.model import KeyState
from hookyard.core.sealing.rotation import Rotation
from hookyard.core.sealing.service import Sealer
from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.screen import Column, text_of
from hookyard.kit.clock import SystemClock
from hookyard.kit.errors import HookyardError
from hookyard.kit.json import Json, JsonObject, as_list, as_object
from hookyard.settings import Settings, read_environment

SOURCES = (Column("source", text_of("source")), Column("", text_of("trouble"), elastic=True))
SECRETS = (
    Column("secret", text_of("name")),
    Column("from", text_of("source"), elastic=True),
    Column("version", text_of("version"), elastic=True),
    Column("instead of", text_of("instead_of"), elastic=True),
)
KEYS = (
    Column("tenant", text_of("tenant"), elastic=True),
    Column("data key", text_of("id")),
    Column("state", text_of("state")),
    Column("wrapped by", text_of("wrapped_by"), elastic=True),
    Column("", text_of("trouble"), elastic=True),
)


async def checked(settings: Settings, rotation: Rotation, sealer: Sealer) -> JsonObject:
    """Sources, secrets and data keys, each with its trouble; `healthy` when there is none that
    keeps something from being read."""
    raw = read_environment(Path.cwd(), os.environ)
    sources = await _sources(settings, raw)
    keys = await _keys(rotation, sealer)
    bad = [one for one in sources if one["trouble"] and not one["optional"]]
    bad += [one for one in keys if one["trouble"]]
    secrets: list[Json] = [
        {
            "name": kept.name,
            "source": kept.source,
            "version": ", ".join(version for version in kept.versions if version),
            "instead_of": ", ".join(kept.failed),
        }
        for kept in settings.secrets.kept
    ]
    return {
        "healthy": not bad,
        "sources": list(sources),
        "secrets": secrets,
        "data_keys": list(keys),
    }


def show(found: JsonObject) -> None:
    """The same for people."""
    for name, columns, empty in (
        ("sources", SOURCES, "Secrets come from the settings themselves."),
        ("secrets", SECRETS, "No secret is set."),
        ("data_keys", KEYS, "Nothing was sealed yet."),
    ):
        screen.table(columns, [as_object(row) for row in as_list(found[name])], empty)
        click.echo()


async def _sources(settings: Settings, raw: Mapping[str, str]) -> list[JsonObject]:
    found: list[JsonObject] = []
    for listed in open_sources(settings.secrets.sources, raw, SystemClock()):
        trouble = ""
        try:
            await listed.source.probe()
        except SecretTrouble as error:
            trouble = error.detail
        finally:
            await listed.source.close()
        found.append(
            {"source": listed.source.label, "optional": listed.is_optional, "trouble": trouble}
        )
    return found


async def _keys(rotation: Rotation, sealer: Sealer) -> list[JsonObject]:
    found: list[JsonObject] = []
    for tenant in await rotation.tenants():
        for key in await rotation.keys(tenant):
            trouble = ""
            if key.state is not KeyState.DISABLED:
                try:
                    await sealer.unwrap(key)
                except HookyardError as error:
                    trouble = error.detail
            found.append(
                {
                    "tenant": tenant,
                    "id": key.id,
                    "state": key.state.value,
                    "wrapped_by": f"{key.provider}:{key.key_ref} {key.key_version}".strip(),
                    "trouble": trouble,
                }
            )
    return found

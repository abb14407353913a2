"""Checks of where secrets come from, and of the key that wraps the keys of sealed values."""

from collections.abc import AsyncIterator, Iterator, Mapping

from hookyard.adapters.secrets.port import SecretTrouble
from hookyard.bootstrap.keeping import SEALING_FILE, open_sources, open_wrapper
from hookyard.bootstrap.sealing import LOCAL
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError, HookyardError
from hookyard.settings import Settings

NAME, KEY = "secret sources", "sealing key"
_CONTEXT = {"tenant": "hookyard doctor", "key": "probe"}
_PROBE = bytes(32)


async def secrets(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Each source lets us in; no secret comes from a stand-in; the wrapping key wraps."""
    found = [finding async for finding in _sources(settings, environ, clock)]
    return [*found, *_stand_ins(settings), await _wrapping(settings, environ, clock)]


async def _sources(
    settings: Settings, environ: Mapping[str, str], clock: Clock
) -> AsyncIterator[Finding]:
    for listed in open_sources(settings.secrets.sources, environ, clock):
        source = listed.source
        try:
            await source.probe()
        except SecretTrouble as error:
            said = warn if listed.is_optional else bad
            yield said(NAME, error.detail, "check the source, our credentials and their rights")
        else:
            yield ok(NAME, source.label)
        finally:
            await source.close()


def _stand_ins(settings: Settings) -> Iterator[Finding]:
    for kept in settings.secrets.kept:
        if kept.failed and kept.values:
            yield warn(
                NAME,
                f"{kept.name} comes from {kept.source}, in place of {', '.join(kept.failed)}",
                "mend the source before it",
            )
        elif kept.failed:
            yield warn(
                NAME,
                f"{kept.name}: {', '.join(kept.failed)} failed, and no other source has it",
                "mend the source, or unlist it",
            )


async def _wrapping(settings: Settings, environ: Mapping[str, str], clock: Clock) -> Finding:
    place = (settings.secrets.sealing_keys or LOCAL)[0]
    path = settings.data_dir / SEALING_FILE
    if place.kind == "local" and not path.exists():
        return ok(KEY, f"{path} is made when it is first needed")
    fix = "check HOOKYARD_SEALING_KEYS, our credentials and what they may do"
    try:
        wrapper = open_wrapper(place, settings.data_dir, environ, clock)
        try:
            wrapped = await wrapper.wrap(_PROBE, _CONTEXT)
            again = await wrapper.unwrap(wrapped, _CONTEXT)
        finally:
            await wrapper.close()
    except (ConfigurationError, HookyardError) as error:
        return bad(KEY, f"{place}: {error}", fix)
    if again != _PROBE:
        return bad(KEY, f"{place} gives back something else than was wrapped", fix)
    return ok(KEY, f"{place} version {wrapped.key_version}")

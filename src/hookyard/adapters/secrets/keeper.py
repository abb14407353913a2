"""Which source each secret comes from, and how long what was read may be used.

Sources are asked in order, and the first that has a secret gives it. A source that fails is not a
source that has nothing: its error stops the reading, unless the operator marked it optional; then
a later source stands in for it, and that is told. What was read is read again after `SOFT_MS`, and
once at least `AGAIN_MS` apart when a secret was refused somewhere. While a source fails, what it
gave is used until `HARD_MS`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from hookyard.adapters.secrets.port import (
    PREVIOUS,
    SecretDamaged,
    SecretMissing,
    SecretSource,
    SecretTrouble,
    SecretUnreachable,
)
from hookyard.kit.clock import Clock
from hookyard.kit.secret import Secret
from hookyard.settings.kept import Kept

SOFT_MS = 5 * 60_000
HARD_MS = 60 * 60_000
AGAIN_MS = 30_000
LOOKUP_S = 10.0
MAX_WAITING = 64

log = structlog.get_logger("hookyard.secrets")


@dataclass(frozen=True, slots=True)
class Listed:
    """A source in its order."""

    source: SecretSource
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """A secret of the settings. `is_list`: the previous version is accepted beside the current."""

    name: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a secret stands, for health pages: nothing of it shows.

    `state` is `fresh`, `stale` (its source fails, what it gave is still used), `expired` (and is
    used no more) or `stand_in`; `reason` the code of the source's last error.
    """

    name: str
    source: str
    versions: tuple[str, ...]
    state: str
    age_ms: int
    failed: tuple[str, ...] = ()
    reason: str = ""


Heard = Callable[[Kept], None]


class Keeper:
    """Reads secrets and keeps them fresh. `start` is what was read before, by name."""

    def __init__(
        self,
        sources: Sequence[Listed],
        wanted: Sequence[Wanted],
        clock: Clock,
        start: Mapping[str, Kept] | None = None,
    ) -> None:
        self._sources = tuple(sources)
        self._wanted = {one.name: one for one in wanted}
        self._clock = clock
        self._kept: dict[str, Kept] = dict(start or {})
        self._told = {name: kept.values for name, kept in self._kept.items()}
        self._errors: dict[str, str] = {}
        self._heard: dict[str, list[Heard]] = {}
        self._asked_at: dict[str, float] = {}
        self._again = asyncio.Lock()
        self._waiting = 0

    def __repr__(self) -> str:
        return f"Keeper({[one.source.label for one in self._sources]})"

    async def read_all(self) -> Mapping[str, Kept]:
        """Every secret that some source has; SecretTrouble of one that is not optional."""
        found = await asyncio.gather(*(self.look_up(one) for one in self._wanted.values()))
        self._kept = {kept.name: kept for kept in found if kept.values or kept.failed}
        self._told = {name: kept.values for name, kept in self._kept.items()}
        return self._kept

    async def look_up(self, wanted: Wanted) -> Kept:
        """A secret as the sources have it now. `values` is empty where none has it."""
        failed: list[str] = []
        for listed in self._sources:
            source = listed.source
            try:
                async with asyncio.timeout(LOOKUP_S):
                    values, versions = await _versions(source, wanted)
            except SecretMissing:
                continue
            except (SecretTrouble, TimeoutError) as error:
                if not listed.is_optional:
                    raise _about(source.label, wanted.name, error) from None
                log.warning(
                    "secret_source_failed", source=source.label, secret=wanted.name,
                    reason=_code(error),
                )  # fmt: skip
                failed.append(source.label)
                continue
            now_ms = self._clock.now_ms()
            return Kept(wanted.name, source.label, values, versions, tuple(failed), now_ms)
        return Kept(wanted.name, "", (), (), tuple(failed), self._clock.now_ms())

    def names(self) -> Sequence[str]:
        """Every secret that a source gave at the start."""
        return tuple(self._kept)

    def watch(self, name: str, heard: Heard, *, first: bool = False) -> None:
        """Call back whenever a secret has other values, on the event loop. `values` is empty when
        it was taken away, or its time is over."""
        listeners = self._heard.setdefault(name, [])
        listeners.insert(0 if first else len(listeners), heard)

    def kept(self, name: str) -> Kept | None:
        """A secret as it is used now; None when no source has it, or its time is over."""
        found = self._kept.get(name)
        return None if found is None or not found.values or self._age(found) > HARD_MS else found

    def standings(self) -> Sequence[Standing]:
        """How every secret stands, by name."""
        return [self._standing(kept) for _, kept in sorted(self._kept.items())]

    async def refresh(self, name: str) -> bool:
        """Read one secret again; whether it has other values now."""
        before = self._kept.get(name)
        try:
            found = await self.look_up(self._wanted[name])
        except SecretTrouble as error:
            self._fail(name, before, _code(error))
            return False
        if before is not None and before.values and self._must_wait(before, found):
            self._fail(name, before, "secret_source_failed")
            return False
        self._errors.pop(name, None)
        self._kept[name] = found
        return self._tell(found)

    def may_ask(self, name: str) -> bool:
        """Whether `refresh_once` would read now, or is reading and has few who wait for it."""
        if self._again.locked():
            return self._waiting < MAX_WAITING
        asked_at, now = self._asked_at.get(name), self._clock.monotonic()
        return name in self._wanted and (asked_at is None or (now - asked_at) * 1000 >= AGAIN_MS)

    async def refresh_once(self, name: str) -> bool:
        """The same after a secret was refused somewhere, and not more often than `AGAIN_MS`.

        Of several who ask together one reads, and all hear whether that brought other values.
        """
        if name not in self._wanted:
            return False
        before = self._values(name)
        self._waiting += 1
        try:
            await self._refresh_seldom(name)
        finally:
            self._waiting -= 1
        return self._values(name) != before

    async def _refresh_seldom(self, name: str) -> None:
        async with self._again:
            asked_at, now = self._asked_at.get(name), self._clock.monotonic()
            if asked_at is None or (now - asked_at) * 1000 >= AGAIN_MS:
                self._asked_at[name] = now
                await self.refresh(name)

    async def run(self) -> None:
        """Read everything again every `SOFT_MS`, for as long as the process lives."""
        while True:
            await self._clock.sleep(SOFT_MS / 1000)
            for name in tuple(self._kept):
                try:
                    await self.refresh(name)
                except Exception as error:
                    log.error("secret_refresh_failed", secret=name, error=type(error).__name__)

    async def close(self) -> None:
        """Close every source."""
        for listed in self._sources:
            await listed.source.close()

    def _values(self, name: str) -> tuple[Secret, ...]:
        found = self._kept.get(name)
        return found.values if found else ()

    def _age(self, kept: Kept) -> int:
        return max(0, self._clock.now_ms() - kept.read_at_ms)

    def _must_wait(self, before: Kept, found: Kept) -> bool:
        """The source that gave it fails now: what it gave goes on, until its time is over."""
        return before.source in found.failed and self._age(before) <= HARD_MS

    def _fail(self, name: str, before: Kept | None, code: str) -> None:
        self._errors[name] = code
        if before is None or not before.values:
            return
        if self._age(before) <= HARD_MS:
            log.warning("secret_stale", secret=name, source=before.source, reason=code)
            return
        log.error("secret_expired", secret=name, source=before.source, reason=code)
        self._tell(replace(before, values=(), versions=()))

    def _tell(self, kept: Kept) -> bool:
        """Tell of other values than were told last; whether they are others."""
        if self._told.get(kept.name, ()) == kept.values:
            return False
        self._told[kept.name] = kept.values
        for heard in self._heard.get(kept.name, ()):
            heard(kept)
        return True

    def _standing(self, kept: Kept) -> Standing:
        age_ms, reason = self._age(kept), self._errors.get(kept.name, "")
        state = "stand_in" if kept.failed else "fresh"
        if reason:
            state = "expired" if age_ms > HARD_MS else "stale"
        return Standing(kept.name, kept.source, kept.versions, state, age_ms, kept.failed, reason)


async def _versions(
    source: SecretSource, wanted: Wanted
) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
    """The current value, and for a list the previous one too where the source keeps it."""
    values = [await _text(source, wanted.name, None)]
    if wanted.is_list:
        with contextlib.suppress(SecretMissing):
            values.append(await _text(source, wanted.name, PREVIOUS))
    unique = dict(values)
    return tuple(unique), tuple(unique.values())


async def _text(source: SecretSource, name: str, version: str | None) -> tuple[Secret, str]:
    found = await source.get(name, version)
    try:
        return Secret(found.value.decode("utf-8").strip()), found.version
    except UnicodeDecodeError:
        raise SecretDamaged(f"{source.label} keeps no text under {name}") from None


def _about(label: str, name: str, error: SecretTrouble | TimeoutError) -> SecretTrouble:
    if isinstance(error, SecretTrouble):
        return type(error)(f"{name} from {label}: {error.detail}")
    return SecretUnreachable(f"{name} from {label}: no answer within {LOOKUP_S:g} s")


def _code(error: SecretTrouble | TimeoutError) -> str:
    return error.problem_code if isinstance(error, SecretTrouble) else "secret_unreachable"


def from_settings(kept: Sequence[Kept]) -> Sequence[Standing]:
    """How secrets stand that were read from the settings themselves, once."""
    return [Standing(one.name, one.source, (), "fresh", 0) for one in kept]

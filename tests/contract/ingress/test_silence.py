"""Watching sources, on each engine: habits out of what is on disk, one warning an episode."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.ingress import store
from hookyard.core.ingress.model import Accepted, DeliveryId, SourceConfig
from hookyard.core.ingress.recovery_model import RECOVERED
from hookyard.core.ingress.silence_service import Pulse, Pulses, Silent
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

STEP_S = 540


class Watch:
    """Two sources and a watch that looks every nine minutes."""

    def __init__(self, database: Database, clock: ManualClock, ids: IdMaker) -> None:
        self.database, self.clock, self.ids = database, clock, ids
        self.sources = {
            name: SourceConfig(name, name, (b"s",), options)
            for name, options in (("github", {}), ("jira", {"silence": "off"}))
        }
        self.told: list[Silent] = []
        self.pulses = Pulses(self.sources, clock, 10.0, lambda _, silent: self.told.append(silent))

    async def deliver(self, source: str = "github", headers: str = "{}") -> None:
        """Something came, three seconds ago."""
        at_ms = self.clock.now_ms() - 3_000
        new = self.ids.new(at_ms)
        row = Accepted(
            DeliveryId(new), source, source, new, new, "x", at_ms, "", headers, 1, b"x", packed=True
        )
        await self.database.write(lambda unit: store.insert_new(unit, [row], lambda body: body))

    async def look(self) -> list[str]:
        """The watch looks."""
        return list(await self.database.write(self.pulses.look))

    async def steps(self, count: int, *, came: bool) -> list[str]:
        """So many times nine minutes; who is silent after the last."""
        silent: list[str] = []
        for _ in range(count):
            self.clock.advance(STEP_S)
            if came:
                await self.deliver()
            silent = await self.look()
        return silent

    async def pulse(self, source: str = "github") -> Pulse:
        def look(unit: Unit) -> Pulse:
            return next(p for p in self.pulses.of_all(unit) if p.source == source)

        return await self.database.read(look)


@pytest.fixture
async def watch(database: Database, clock: ManualClock, ids: IdMaker) -> Watch:
    """One that knows a source which delivers every nine minutes."""
    made = Watch(database, clock, ids)
    await made.steps(167, came=True)
    return made


async def test_a_silence_is_warned_of_once_and_its_end_is_told(watch: Watch) -> None:
    with capture_logs() as logs:
        assert await watch.steps(9, came=False) == []
        assert await watch.steps(12, came=False) == ["github"]
        pulse = await watch.pulse()
        assert pulse.silent_since_ms is not None
        assert pulse.last_delivery_ms is not None
        assert watch.told == [
            Silent("github", "github", pulse.last_delivery_ms, pulse.silent_since_ms)
        ]
        assert await watch.steps(1, came=True) == []
        assert await watch.steps(5, came=True) == []
    told = [line["event"] for line in logs]
    assert told == ["source_silent", "source_back"]
    assert logs[0]["source"] == "github"
    assert logs[0]["log_level"] == "warning"
    assert (await watch.pulse()).silent_since_ms is None


async def test_a_pause_of_our_own_is_no_silence(watch: Watch) -> None:
    watch.clock.advance(36 * 3600)
    assert await watch.look() == []
    assert await watch.steps(9, came=False) == []


async def test_what_was_pulled_does_not_make_a_source_sound(watch: Watch) -> None:
    await watch.steps(5, came=False)
    for _ in range(12):
        watch.clock.advance(STEP_S)
        await watch.deliver(headers=f'{{"{RECOVERED}":"exact"}}')
        silent = await watch.look()
    assert silent == ["github"]


async def test_sources_that_never_delivered_or_are_excused_are_not_silent(watch: Watch) -> None:
    pulse = await watch.pulse("jira")
    assert (pulse.last_delivery_ms, pulse.usual_gap_ms, pulse.silent_since_ms) == (None, None, None)
    excused = replace(watch.sources["github"], options={"silence": "off"})
    watch.sources["github"] = excused
    assert await watch.steps(24, came=False) == []


async def test_a_source_that_is_no_longer_configured_is_left_out(watch: Watch) -> None:
    del watch.sources["github"]
    assert await watch.steps(24, came=False) == []

"""Time handed down: instants on the wire, and a clock that stands still."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.clock import ManualClock, SystemClock, from_rfc3339, to_rfc3339

YEAR_9999_MS = 253_402_300_799_999


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    assert to_rfc3339(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
    assert to_rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert to_rfc3339(1_700_000_000_999) == "2023-11-14T22:13:20.999Z"


@given(st.integers(0, YEAR_9999_MS))
def test_an_instant_survives_the_wire_to_the_millisecond(ms: int) -> None:
    assert from_rfc3339(to_rfc3339(ms)) == ms


def test_a_written_offset_counts() -> None:
    assert from_rfc3339("2023-11-14T23:13:20+01:00") == 1_700_000_000_000


@pytest.mark.parametrize("text", ["", "yesterday", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z"])
def test_what_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_rfc3339(text)


async def test_sleepers_wake_when_their_time_has_come_and_not_before() -> None:
    clock = ManualClock()
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [asyncio.create_task(sleeper("long", 10)), asyncio.create_task(sleeper("short", 2))]
    await asyncio.sleep(0)
    clock.advance(1.999)
    await asyncio.sleep(0)
    assert woken == []
    clock.advance(0.001)
    await asyncio.sleep(0)
    assert woken == ["short"]
    clock.advance(60)
    await asyncio.gather(*tasks)
    assert woken == ["short", "long"]


async def test_a_cancelled_sleeper_does_not_disturb_the_others() -> None:
    clock = ManualClock()
    gone = asyncio.create_task(clock.sleep(1))
    stays = asyncio.create_task(clock.sleep(1))
    await asyncio.sleep(0)
    gone.cancel()
    clock.advance(1)
    await stays
    assert gone.cancelled()


async def test_no_duration_only_yields() -> None:
    await ManualClock().sleep(0)
    await ManualClock().sleep(-5)
    await SystemClock().sleep(-5)


def test_skew_shifts_the_wall_clock_and_not_the_other() -> None:
    plain, ahead = SystemClock(), SystemClock(offset_ms=3_600_000)
    assert 3_590_000 < ahead.now_ms() - plain.now_ms() < 3_610_000
    assert abs(ahead.monotonic() - plain.monotonic()) < 60

"""A source is silent by its own habits, and never before they are known."""

from random import Random

from hookyard.core.ingress.silence_rules import (
    DAY_MS,
    FLOOR_MS,
    HOUR_MS,
    MINUTE_MS,
    Rhythm,
    back,
    bucket_of,
    gap_ms,
    heard,
    judge,
    limit_of,
    waited,
)

MONDAY = 1_799_625_600_000  # 2027-01-11T00:00:00Z
FACTOR = 10.0


class Watched:
    """A source looked at every minute."""

    def __init__(self, at_ms: int = MONDAY) -> None:
        self.at_ms = at_ms
        self.quiet_from_ms = at_ms
        self.rhythm = Rhythm()
        self.alarms: list[int] = []

    def minute(self, came: bool) -> None:
        self.at_ms += MINUTE_MS
        self.rhythm = heard(self.rhythm, self.at_ms, MINUTE_MS, int(came))
        if came:
            self.quiet_from_ms = self.at_ms
        elif self.is_silent():
            self.alarms.append(self.at_ms)

    def is_silent(self) -> bool:
        return judge(self.rhythm, self.at_ms - self.quiet_from_ms, FACTOR).silent

    def office(self, days: int, random: Random, chance: float = 0.2) -> None:
        """So many days with deliveries from 8 to 18 on working days, and hardly any else."""
        for _ in range(days * 24 * 60):
            is_open = bucket_of(self.at_ms)[0] == "d" and 8 <= self.at_ms % DAY_MS // HOUR_MS < 18
            self.minute(random.random() < (chance if is_open else 0.0005))


def test_hours_of_working_days_and_weekends_are_told_apart() -> None:
    assert bucket_of(MONDAY) == "d00"
    assert bucket_of(MONDAY + 4 * DAY_MS + 23 * HOUR_MS) == "d23"
    assert bucket_of(MONDAY + 5 * DAY_MS) == "w00"
    assert bucket_of(MONDAY + 6 * DAY_MS + 9 * HOUR_MS) == "w09"


def test_a_source_without_history_is_never_silent() -> None:
    watched = Watched()
    for _ in range(7 * 24 * 60):
        watched.minute(came=False)
    assert watched.alarms == []
    assert gap_ms(watched.rhythm, watched.at_ms) is None
    assert "too little is known" in judge(watched.rhythm, 10 * DAY_MS, FACTOR).reason


def test_few_deliveries_are_no_habit() -> None:
    watched = Watched()
    for minute in range(24 * 60):
        watched.minute(came=minute % 240 == 0)
    assert watched.rhythm.minutes < 12
    assert not watched.is_silent()


def test_nights_and_weekends_are_no_silence() -> None:
    watched = Watched()
    watched.office(28, Random(4))
    assert watched.alarms == []


def test_silence_in_office_hours_is_found_within_some_usual_gaps() -> None:
    watched = Watched()
    watched.office(14, Random(4))
    for _ in range(8 * 60):
        watched.minute(came=False)
    while not bucket_of(watched.at_ms).startswith("d09"):
        watched.minute(came=False)
    for _ in range(10):
        watched.minute(came=True)
    watched.alarms.clear()
    began_ms = watched.at_ms
    for _ in range(4 * 60):
        watched.minute(came=False)
    assert watched.alarms
    assert FLOOR_MS <= watched.alarms[0] - began_ms <= 3 * HOUR_MS


def test_nothing_is_silent_before_the_floor() -> None:
    watched = Watched()
    for _ in range(24 * 60):
        watched.minute(came=True)
    for minute in range(1, 30):
        watched.minute(came=False)
        assert watched.is_silent() == (minute * MINUTE_MS >= FLOOR_MS)


def test_a_source_of_bursts_is_judged_by_its_own_longest_silences() -> None:
    """Ten minutes of traffic, then hours of none, over and over: that is its habit.

    By the fixed factor alone every silence of over six hours would be one to warn of.
    """
    watched = Watched()
    random = Random(5)
    long = 0
    for _ in range(60):
        for _ in range(10):
            watched.minute(came=True)
        silence = random.randint(120, 600)
        long += silence > 380
        for _ in range(silence):
            watched.minute(came=False)
    first_week = MONDAY + 7 * DAY_MS
    assert long > 20
    assert len([at for at in watched.alarms if at > first_week]) < 60


def test_an_alarm_that_ends_by_itself_raises_the_limit_and_not_without_end() -> None:
    watched = Watched()
    for _ in range(24 * 60):
        watched.minute(came=True)
    rhythm = watched.rhythm
    limits = []
    for _ in range(6):
        rhythm = back(waited(rhythm, watched.at_ms, DAY_MS), FACTOR)
        limits.append(limit_of(rhythm, FACTOR))
    assert limits == [15.0, 22.5, 33.75, 40.0, 40.0, 40.0]
    assert rhythm.quiet == 0


def test_a_silence_that_was_found_teaches_nothing() -> None:
    watched = Watched()
    for _ in range(24 * 60):
        watched.minute(came=True)
    before = watched.rhythm
    after = waited(before, watched.at_ms + HOUR_MS, HOUR_MS)
    assert after.hours == before.hours
    assert after.quiet > before.quiet

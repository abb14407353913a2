"""Every source gives what is kept there, says what is missing, and leaks nothing when it fails."""

import pytest

from hookyard.adapters.secrets.port import (
    PREVIOUS,
    SecretDamaged,
    SecretDenied,
    SecretMissing,
    SecretTrouble,
    SecretUnreachable,
)
from hookyard.kit.clock import ManualClock
from tests.contract.secrets.conftest import NAME, AzureHarness, GcpHarness, Harness, StubHarness

VALUE = b"planted-webhook-secret-1"


async def test_a_secret_comes_as_it_is_kept(harness: Harness, clock: ManualClock) -> None:
    harness.put(VALUE)
    found = await harness.source.get(NAME)
    assert found.value == VALUE
    assert found.fetched_at_ms == clock.now_ms()
    assert "planted" not in repr(found)
    assert "planted" not in repr(harness.source)
    await harness.source.probe()


async def test_one_that_is_not_there_is_missing_not_failed(harness: Harness) -> None:
    with pytest.raises(SecretMissing):
        await harness.source.get(NAME)
    await harness.source.probe()


async def test_an_exchange_shows_with_the_next_reading(harness: Harness) -> None:
    harness.put(VALUE)
    before = await harness.source.get(NAME)
    harness.put(b"planted-webhook-secret-2")
    after = await harness.source.get(NAME)
    assert after.value == b"planted-webhook-secret-2"
    if harness.has_versions:
        assert after.version != before.version


async def test_the_version_before_is_there_for_as_long_as_it_is_kept(harness: Harness) -> None:
    harness.put(VALUE)
    with pytest.raises(SecretMissing):
        await harness.source.get(NAME, PREVIOUS)
    if not harness.has_versions:
        return
    harness.put(b"planted-webhook-secret-2")
    assert (await harness.source.get(NAME, PREVIOUS)).value == VALUE
    harness.put(b"planted-webhook-secret-3")
    assert (await harness.source.get(NAME, PREVIOUS)).value == b"planted-webhook-secret-2"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, SecretUnreachable),
        (401, SecretDenied),
        (403, SecretDenied),
        (429, SecretTrouble),
        (500, SecretTrouble),
        (302, SecretTrouble),
    ],
)
async def test_a_source_that_fails_says_so_and_shows_nothing_of_its_answer(
    cloud: StubHarness, status: int | None, expected: type[SecretTrouble]
) -> None:
    cloud.put(VALUE)
    cloud.fail(status)
    with pytest.raises(expected) as caught:
        await cloud.source.get(NAME)
    assert "planted" not in str(caught.value)
    with pytest.raises(expected):
        await cloud.source.probe()


async def test_a_refused_token_is_renewed_once(cloud: StubHarness) -> None:
    cloud.put(VALUE)
    await cloud.source.get(NAME)
    before = cloud.stub.sign_ins
    good, cloud.stub.tokens = cloud.stub.tokens, set()
    if before == 0:  # a Vault token that the operator gave cannot be renewed by signing in
        with pytest.raises(SecretDenied):
            await cloud.source.get(NAME)
        cloud.stub.tokens = good
    assert (await cloud.source.get(NAME)).value == VALUE
    assert cloud.stub.sign_ins == before + (1 if before else 0)


async def test_a_token_is_used_again_until_shortly_before_its_end(
    cloud: StubHarness, clock: ManualClock
) -> None:
    cloud.put(VALUE)
    for _ in range(3):
        await cloud.source.get(NAME)
    before = cloud.stub.sign_ins
    assert before <= 1
    clock.advance(3600 - 30)
    await cloud.source.get(NAME)
    assert cloud.stub.sign_ins == (before + 1 if before else 0)


async def test_an_answer_of_the_wrong_shape_is_damage(cloud: StubHarness) -> None:
    cloud.put(VALUE)
    for body in ({}, {"payload": 1, "data": [], "value": None}, {"data": {"data": {"value": 7}}}):
        cloud.stub.bend = lambda _, body=body: body  # type: ignore[misc]
        with pytest.raises(SecretDamaged):
            await cloud.source.get(NAME)


async def test_an_answer_without_end_is_given_up(cloud: StubHarness) -> None:
    cloud.put(VALUE)
    cloud.stub.bend = lambda _: {"value": "x" * 600_000}
    with pytest.raises(SecretDamaged):
        await cloud.source.get(NAME)


async def test_damage_on_the_way_from_google_shows_in_the_checksum(clock: ManualClock) -> None:
    harness = GcpHarness(clock)
    harness.put(VALUE)
    for checksum in ("1", "", None):
        harness.stub.bend = lambda body, checksum=checksum: {  # type: ignore[misc]
            **body,
            "payload": {**body["payload"], "dataCrc32c": checksum},
        }
        with pytest.raises(SecretDamaged):
            await harness.source.get(NAME)
    await harness.source.close()


async def test_a_disabled_version_of_google_is_no_previous_one(clock: ManualClock) -> None:
    harness = GcpHarness(clock)
    harness.held.secrets["github-webhook-secret"] = [None, VALUE]
    with pytest.raises(SecretMissing):
        await harness.source.get(NAME, PREVIOUS)
    await harness.source.close()


async def test_a_disabled_version_of_azure_is_passed_over(clock: ManualClock) -> None:
    harness = AzureHarness(clock)
    harness.held.secrets["github-webhook-secret"] = [(VALUE, True), (b"no", False), (b"x", True)]
    assert (await harness.source.get(NAME, PREVIOUS)).value == VALUE
    await harness.source.close()

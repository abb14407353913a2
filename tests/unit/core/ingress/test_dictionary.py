"""Dictionaries pack what they have not seen, and a body comes back byte for byte or not at all."""

from random import Random

import pytest

from hookyard.core.ingress.dictionary import (
    LEAST_SAMPLES,
    SHORT_BODY,
    WATCHED,
    Compressor,
    Dictionary,
    Kept,
    Learnt,
    Watch,
    decompress,
    learn,
    wanted,
)
from hookyard_sandbox.senders_github import GitHubScene
from tests.support.bodies import issue_bodies

BODIES = issue_bodies(160)


def learnt(bodies: list[bytes] = BODIES, seed: int = 1) -> Learnt:
    outcome = learn(bodies, None, Random(seed))
    assert isinstance(outcome, Learnt), outcome
    return outcome


def with_dictionary(seed: int = 1) -> tuple[Compressor, Dictionary]:
    dictionary = Dictionary.of(learnt(seed=seed).content)
    compressor = Compressor()
    compressor.use(dictionary)
    return compressor, dictionary


def test_bodies_it_has_not_seen_come_back_and_take_less_than_half_the_room() -> None:
    compressor, dictionary = with_dictionary()
    plain, fresh = Compressor(), issue_bodies(40, first=5_000)
    packed = [compressor(body) for body in fresh]
    assert [decompress(one, 1 << 20, dictionary) for one in packed] == fresh
    assert {wanted(one) for one in packed} == {dictionary.id}
    assert sum(map(len, packed)) < sum(len(plain(body)) for body in fresh) / 2


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 40, Random(2).randbytes(9_000)])
def test_any_short_body_survives_it(body: bytes) -> None:
    compressor, dictionary = with_dictionary()
    assert decompress(compressor(body), 1 << 20, dictionary) == body


def test_long_bodies_go_without() -> None:
    compressor, _ = with_dictionary()
    long = b"ab" * SHORT_BODY
    assert wanted(compressor(long)) == 0
    assert decompress(compressor(long), 1 << 20) == long


def test_without_the_dictionary_or_with_another_a_body_is_refused_not_garbled() -> None:
    compressor, _ = with_dictionary()
    _, other = with_dictionary(seed=2)
    packed = compressor(BODIES[0])
    for wrong in (None, other):
        with pytest.raises(ValueError, match="damaged"):
            decompress(packed, 1 << 20, wrong)


def test_what_was_packed_before_needs_none_and_opens_with_any() -> None:
    compressor, dictionary = with_dictionary()
    old = Compressor()(BODIES[0])
    assert wanted(old) == 0
    assert decompress(old, 1 << 20, dictionary) == BODIES[0]
    compressor.use(None)
    assert wanted(compressor(BODIES[0])) == 0


def test_too_few_or_too_random_bodies_teach_nothing() -> None:
    few = learn(BODIES[: LEAST_SAMPLES - 1], None, Random(1))
    assert isinstance(few, Kept)
    assert "too few" in few.reason
    noise = learn([Random(n).randbytes(2_000) for n in range(90)], None, Random(1))
    assert isinstance(noise, Kept)


def test_tiny_bodies_are_no_error() -> None:
    assert isinstance(learn([b"a"] * 100, None, Random(1)), Kept | Learnt)


def test_a_dictionary_that_serves_is_kept_until_it_is_stale() -> None:
    first = Dictionary.of(learnt().content)
    kept = learn(BODIES, first, Random(3))
    assert isinstance(kept, Kept)
    assert "not worth it" in kept.reason
    assert isinstance(learn(BODIES, first, Random(3), stale=True), Learnt)


def test_bytes_that_are_no_dictionary_are_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        Dictionary.of(b"not one")


def test_what_is_no_frame_wants_no_dictionary() -> None:
    assert wanted(b"") == wanted(b"plain text") == 0


def test_the_scene_varies() -> None:
    assert GitHubScene().issue_opened(1, "a", "b") != GitHubScene().issue_opened(2, "a", "b")
    assert len(set(BODIES)) == len(BODIES)


def test_bodies_of_another_kind_are_noticed_once_enough_of_them_came() -> None:
    compressor, _ = with_dictionary()
    watch = Watch(compressor)
    like = issue_bodies(WATCHED, first=9_000)
    unlike = [Random(n).randbytes(400).hex().encode() for n in range(WATCHED)]
    for body in like:
        compressor(body)
    assert not watch.is_worse()
    for body in unlike[:-1]:
        compressor(body)
    assert not watch.is_worse()
    compressor(unlike[-1])
    assert watch.is_worse()
    assert not watch.is_worse()


def test_what_was_always_packed_badly_is_not_worse() -> None:
    compressor, _ = with_dictionary()
    watch = Watch(compressor)
    for _ in range(2):
        for n in range(WATCHED):
            compressor(Random(n).randbytes(2_000))
        assert not watch.is_worse()


def test_nothing_is_worse_without_a_dictionary() -> None:
    compressor = Compressor()
    watch = Watch(compressor)
    for body in (b"a" * 2_000, Random(1).randbytes(2_000)):
        for _ in range(WATCHED):
            compressor(body)
        assert not watch.is_worse()

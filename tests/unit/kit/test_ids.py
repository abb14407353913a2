"""Ids sort by the time they were made, also inside one millisecond and across threads."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.ids import LENGTH, IdMaker, encode, is_id


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=50))
def test_ids_of_one_maker_rise_even_when_the_clock_goes_back(instants: list[int]) -> None:
    maker = IdMaker()
    made = [maker.new(ms) for ms in instants]
    assert made == sorted(set(made))
    assert all(is_id(one) for one in made)


def test_an_id_starts_with_its_millisecond() -> None:
    assert IdMaker().new(1_700_000_000_000)[:10] == encode(1_700_000_000_000 << 80)[:10]
    assert IdMaker().new(5) < IdMaker().new(6)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_text_order_is_number_order(left: int, right: int) -> None:
    assert (encode(left) < encode(right)) == (left < right)
    assert len(encode(left)) == LENGTH


def test_threads_never_get_the_same_id() -> None:
    maker, made = IdMaker(), []

    def work() -> None:
        made.extend([maker.new(1) for _ in range(500)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 2_000


def test_two_makers_do_not_meet() -> None:
    assert IdMaker().new(1) != IdMaker().new(1)


def test_shape_is_told_from_other_text() -> None:
    good = IdMaker().new(1)
    assert is_id(good)
    for bad in (
        "",
        good[:-1],
        good + "0",
        good[:-1] + "u",
        good.upper(),
        "../../etc/passwd",
        "٣" * 26,
    ):
        assert not is_id(bad)


def test_ids_of_the_same_entropy_are_the_same() -> None:
    makers = [IdMaker(lambda count: b"\x07" * count) for _ in range(2)]
    assert makers[0].new(5) == makers[1].new(5) != IdMaker().new(5)

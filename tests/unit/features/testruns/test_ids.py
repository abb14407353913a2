"""Criterion ids in names, classes, properties and tags."""

import pytest

from hookyard.features.testruns.ids import from_names, from_property, parse_id


@pytest.mark.parametrize(
    ("name", "classname", "expected"),
    [
        ("T1::test_signup", "tests.test_a", ("T1",)),
        ("t1::signup", "", ("T1",)),
        ("T1 :: signup", "", ("T1",)),
        ("T1,T2::both", "", ("T1", "T2")),
        ("test_x[T3::y]", "", ("T3",)),
        ("test_jwt_verify", "autoqa:T4", ("T4",)),
        ("x", "autoqa:T4,T5", ("T4", "T5")),
        ("x", "AutoQA: t4 , T5", ("T4", "T5")),
        ("x", "tests.autoqa:T4.TestX", ("T4",)),
        ("autoqa:T6 adds", "", ("T6",)),
        ("test_T1_signup", "", ("T1",)),
        ("T1_Signup", "", ("T1",)),
        ("test_t1_signup", "", ("T1",)),
        ("test_signup_T1", "", ("T1",)),
        ("com.shop.CartTest", "_T7_", ("T7",)),
        ("adds @T1 @T2", "", ("T1", "T2")),
        ("42/T1::x", "", ("42/T1",)),
        ("#42:T1 works", "", ("42/T1",)),
        ("x", "autoqa:42/T1,43/T2", ("42/T1", "43/T2")),
        ("works for 42/T1", "", ("42/T1",)),
        ("T1::x", "autoqa:T1", ("T1",)),
        ("T9999::x", "", ("T9999",)),
        # not ids
        ("T0::x", "", ()),
        ("T10000::x", "", ()),
        ("test_node_t2", "", ()),
        ("uses T1 somewhere", "", ()),
        ("TestT1", "tests.T1Case", ()),
        ("AT1::x", "", ()),
        ("mail@T1.example", "", ()),
        ("std::vector<T1>", "", ()),
        ("x", "autoqa:T1x", ()),
        ("x", "notautoqa:T1", ()),
        ("", "", ()),
    ],
)
def test_ids_are_found_in_names(name: str, classname: str, expected: tuple[str, ...]) -> None:
    assert from_names(name, classname) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("criterion", "T1", ("T1",)),
        ("Criterion-ID", "t1", ("T1",)),
        ("requirements", "T1,T2; 42/T3", ("T1", "T2", "42/T3")),
        ("testmo:criteria", "#7:T1", ("7/T1",)),
        ("tags", "smoke @T1 slow", ("T1",)),
        ("Category", "autoqa:T5", ("T5",)),
        ("T6", "anything", ("T6",)),
        ("@T7", "", ("T7",)),
        ("owner", "T1", ()),
        ("test_key", "SHOP-12", ()),
        ("requirement", "T1x", ()),
    ],
)
def test_ids_are_found_in_properties(name: str, value: str, expected: tuple[str, ...]) -> None:
    assert from_property(name, value) == expected


def test_an_id_is_read_back() -> None:
    assert parse_id("T1") == (None, "T1")
    assert parse_id("42/T3") == (42, "T3")
    assert parse_id("SHOP-1") is None


def test_a_long_name_takes_little_time_and_ids_are_bounded() -> None:
    assert from_names("T1_" * 100_000, "autoqa:" + "T1," * 100_000) == ("T1",)
    many = ",".join(f"T{n}" for n in range(1, 400))
    assert len(from_names("", f"autoqa:{many}")) == 50

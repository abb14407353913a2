"""Narrow readers give the wanted type or nothing, whatever a stranger sent."""

from hypothesis import given
from hypothesis import strategies as st

from hookyard.kit.json import Json, as_int, as_list, as_object, as_text, dig

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON)
def test_readers_are_total_and_exact(value: Json) -> None:
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert list(as_list(value)) == (value if isinstance(value, list) else [])
    assert as_text(value) == (value if isinstance(value, str) else "")
    number = as_int(value)
    assert number is None or (number == value and not isinstance(value, bool))


def test_a_truth_value_is_no_number_and_a_text_no_list() -> None:
    assert as_int(value=True) is None
    assert as_int(1.0) is None
    assert as_list("abc") == ()


def test_paths_end_early_without_a_fuss() -> None:
    tree: Json = {"a": {"b": [1, {"c": 2}]}}
    assert dig(tree, "a", "b") == [1, {"c": 2}]
    assert dig(tree) is tree
    assert dig(tree, "a", "b", "c") is None
    assert dig(tree, "x", "y") is None
    assert dig(None, "a") is None

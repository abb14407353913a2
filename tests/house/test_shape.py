"""Every module says what it is for, and nothing grows past the size one can read."""

from pathlib import Path

from tests.house import shape
from tests.house.tree import Source, load


def bad(tmp_path: Path, name: str, text: str) -> list[Source]:
    """A tree of one file."""
    path = tmp_path / "src" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return load(tmp_path, "src")


def function_of(lines: int) -> str:
    """A module with one function of that many lines."""
    return '"""Doc."""\n\n\ndef f():\n' + "    x = 1\n" * (lines - 1)


def test_every_module_has_a_docstring() -> None:
    assert shape.missing_docstrings(load()) == []


def test_a_module_without_docstring_is_found(tmp_path: Path) -> None:
    assert shape.missing_docstrings(bad(tmp_path, "a.py", "x = 1\n")) == ["src/a.py"]


def test_no_file_is_too_long() -> None:
    assert shape.long_files(load()) == []


def test_a_long_file_is_found(tmp_path: Path) -> None:
    assert shape.long_files(bad(tmp_path, "a.py", "x = 1\n" * 400)) == []
    assert shape.long_files(bad(tmp_path, "a.py", "x = 1\n" * 401)) == ["src/a.py: 401 lines"]


def test_no_function_is_too_long() -> None:
    assert shape.long_functions(load()) == []


def test_a_long_function_is_found(tmp_path: Path) -> None:
    assert shape.long_functions(bad(tmp_path, "a.py", function_of(60))) == []
    assert shape.long_functions(bad(tmp_path, "a.py", function_of(61))) == [
        "src/a.py:4 f: 61 lines"
    ]


def test_nine_functions_in_ten_are_short() -> None:
    assert shape.p90_function_length(load()) <= shape.P90_LINES


def test_p90_is_the_ninth_of_ten(tmp_path: Path) -> None:
    text = "\n\n".join(function_of(lines) for lines in range(11, 21))
    assert shape.p90_function_length(bad(tmp_path, "a.py", text)) == 19
    assert shape.p90_function_length([]) == 0

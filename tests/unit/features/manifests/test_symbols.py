"""Changed symbols of every language, renames, moves, and what is only layout."""

import pytest

from .samples import SAMPLES, Sample, measured


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)
def test_symbols_of_every_language_are_told_apart(sample: Sample) -> None:
    found = measured(sample.path, sample.old, sample.new)
    assert (found.problem, found.note, found.precision) == ("", "", "syntax")
    shown = tuple(
        (s.change.value, s.kind, s.name, " ".join(s.boundaries), s.signature_changed)
        for s in (one.change for one in found.symbols)
    )
    assert shown == sample.expected


def changes_of(path: str, old: str | None, new: str | None) -> list[tuple[str, str, str]]:
    found = measured(path, old, new).symbols
    return [(one.change.change.value, one.change.name, one.change.was) for one in found]


BLOCK = "def f(a):\n    b = a + 1\n    return b * a + 12345\n"


def test_comments_and_layout_are_no_change() -> None:
    assert changes_of("x.py", BLOCK, BLOCK.replace("    b", "    # why\n    b")) == [
        ("layout", "f", "")
    ]
    documented = BLOCK.replace("    b =", '    """Says so."""\n    b =')
    again = documented.replace("Says so", "Says it")
    assert changes_of("x.py", documented, again) == [("layout", "f", "")]
    plain = "package a\n\nfunc F() {\nreturn\n}\n"
    neat = plain.replace("return", "\treturn")
    assert changes_of("x.go", plain, neat) == [("layout", "F", "")]


def test_a_text_that_looks_like_a_comment_is_a_change() -> None:
    assert changes_of("x.py", 'def f():\n    return "# a"\n', 'def f():\n    return "# b"\n') == [
        ("modified", "f", "")
    ]


def test_indentation_is_a_change_where_it_means_something() -> None:
    old = "def f(a):\n    if a:\n        b()\n        c()\n"
    assert changes_of("x.py", old, old.replace("        c", "    c")) == [("modified", "f", "")]


def test_methods_that_change_places_are_what_they_were() -> None:
    one = "    def one(self):\n        return 1\n"
    two = "    def two(self, n):\n        return n * 2 + 12345\n"
    old, new = f"class A:\n{one}\n{two}", f"class A:\n{two}\n{one}"
    assert {c for c, _, _ in changes_of("x.py", old, new)} <= {"moved", "layout"}


def test_a_rename_is_told_by_the_text_or_by_a_line_that_stayed() -> None:
    assert changes_of("x.py", BLOCK, BLOCK.replace("def f", "def g")) == [("renamed", "g", "f")]
    changed = BLOCK.replace("def f", "def g").replace("* a", "- a")
    assert changes_of("x.py", BLOCK, changed) == [("renamed", "g", "f")]


def test_methods_follow_a_class_that_was_renamed() -> None:
    old = "class A:\n    x = 1\n\n    def m(self):\n        return 1\n"
    new = "class B:\n    x = 1\n\n    def m(self):\n        return 2\n"
    assert changes_of("x.py", old, new) == [("renamed", "B", "A"), ("renamed", "B.m", "A.m")]


def test_code_outside_of_symbols_has_a_place_of_its_own() -> None:
    assert changes_of("x.py", "A = 1\n", "A = 2\n# b\n") == [("modified", "(top level)", "")]
    assert changes_of("x.py", "A = 1\n", "A = 1\n\n# b\n") == []


def test_whole_files_are_added_and_deleted_by_their_hunks_alone() -> None:
    from dataclasses import replace

    from hookyard.features.manifests.measure import measure

    from .samples import given

    added = measure(replace(given("x.py", None, BLOCK), head=None))
    deleted = measure(given("x.py", BLOCK, None))
    assert [(s.change.change.value, s.change.name) for s in added.symbols] == [("added", "f")]
    assert [(s.change.change.value, s.change.name) for s in deleted.symbols] == [("deleted", "f")]


@pytest.mark.parametrize(
    ("added", "change", "signature"),
    [
        ("    c = 1\n", "modified", False),
        ("    # c\n", "layout", False),
        ("\n", "layout", False),
    ],
)
def test_lines_that_were_only_added_need_no_old_side(
    added: str, change: str, signature: bool
) -> None:
    new = BLOCK.replace("    b", added + "    b")
    (one,) = measured("x.py", BLOCK, new).symbols
    assert (one.change.change.value, one.change.signature_changed) == (change, signature)


def test_a_line_added_to_a_signature_changes_it() -> None:
    old = "def f(\n    a,\n):\n    return a\n"
    (one,) = measured("x.py", old, old.replace("    a,\n)", "    a,\n    b,\n)")).symbols
    assert (one.change.change.value, one.change.signature_changed) == ("modified", True)


@pytest.mark.parametrize(
    ("context", "name"),
    [
        ("def total(self, items):", "total"),
        ("func (c *Cart) Total(rate int) int {", "Total"),
        ("class Cart < Base", "Cart"),
        ("sub total {", "total"),
        ("int Cart::total(int a)", "Cart.total"),
        ("const add = async (a) => {", "add"),
        ("", "(top level)"),
        ("### Heading", "### Heading"),
    ],
)
def test_headers_of_hunks_name_symbols_where_syntax_is_not_read(context: str, name: str) -> None:
    from hookyard.features.manifests.headers import name_in

    assert name_in(context) == name


def test_unknown_languages_are_measured_by_hunk() -> None:
    from hookyard.features.manifests.diffs import FileDiff, Status
    from hookyard.features.manifests.measure import Given, measure
    from hookyard.kit.hunks import read_patch

    hunks, _ = read_patch("@@ -1,2 +1,2 @@ void total() {\n a\n-b\n+c\n")
    found = measure(Given(FileDiff("lib/cart.dart", "lib/cart.dart", Status.MODIFIED, hunks)))
    (one,) = found.symbols
    assert (found.precision, one.change.name, one.change.precision.value) == (
        "hunk",
        "total",
        "hunk",
    )

"""Which tests belong to a symbol, by coverage, reference, import, name and history."""

import msgspec
import pytest

from hookyard.features.manifests import coverage_json, naming
from hookyard.features.manifests.build import Inputs, Manifest, Subject, build
from hookyard.features.manifests.languages import language_of
from hookyard.features.manifests.references import is_imported, mentions
from hookyard.features.manifests.targets import Layout
from hookyard.kit.errors import Invalid

from .samples import given

OLD = "def total(items):\n    return sum(items)\n"
NEW = "def total(items):\n    if items is None:\n        return 0\n    return sum(items)\n"
TEST = b"""from shop.cart import total

def test_adds():
    assert total([1]) == 1

def test_other():
    assert True

class TestMore:
    def test_none(self):
        assert total(None) == 0
"""


def manifest(**more: object) -> Manifest:
    return build(Inputs(Subject(), [given("src/shop/cart.py", OLD, NEW)], **more))  # type: ignore[arg-type]


def edges(found: Manifest) -> list[tuple[str, str, str, int]]:
    return [(e.test, e.case, e.reason, e.strength) for e in found.symbols[0].tests]


def test_cases_that_name_the_symbol_are_found_one_by_one() -> None:
    found = manifest(tests={"tests/unit/test_prices.py": TEST})
    assert edges(found) == [
        ("tests/unit/test_prices.py", "TestMore.test_none", "reference", 4),
        ("tests/unit/test_prices.py", "test_adds", "reference", 4),
    ]


def test_a_name_without_the_import_is_somebody_elses() -> None:
    foreign = TEST.replace(b"from shop.cart", b"from bank.account")
    assert edges(manifest(tests={"tests/unit/test_prices.py": foreign})) == []


def test_an_import_without_the_name_is_a_weak_reason() -> None:
    found = manifest(tests={"tests/test_x.py": b"import shop.cart\n"})
    assert edges(found) == [("tests/test_x.py", "", "import", 2)]
    assert [code for code, _ in found.gaps[0].reasons] == ["weak_tests"]


def test_names_and_mirrored_folders_are_weak_reasons() -> None:
    paths = frozenset({"tests/shop/test_cart.py", "tests/bank/test_cart.py", "tests/test_x.py"})
    assert edges(manifest(paths=paths)) == [
        ("tests/bank/test_cart.py", "", "name", 2),
        ("tests/shop/test_cart.py", "", "mirror", 2),
    ]


def test_history_needs_more_than_one_commit() -> None:
    pairs = {("src/shop/cart.py", "tests/a.py"): 3, ("src/shop/cart.py", "tests/b.py"): 1}
    assert edges(manifest(together=pairs)) == [("tests/a.py", "", "history", 1)]


def test_without_any_test_it_says_so() -> None:
    found = manifest()
    assert edges(found) == []
    assert found.gaps[0].reasons == (("no_test", "no test is known for it"),)


REPORT = {
    "files": {
        "src/shop/cart.py": {
            "executed_lines": [1, 2, 4],
            "missing_lines": [3],
            "missing_branches": [[2, 3]],
            "contexts": {"4": ["tests/test_x.py::test_a|run", "", "tests/test_x.py::test_b|run"]},
        }
    }
}


def test_coverage_names_tests_and_what_did_not_run() -> None:
    report = coverage_json.read(msgspec.json.encode(REPORT))
    found = manifest(coverage=report)
    assert edges(found) == [
        ("tests/test_x.py", "test_a", "coverage", 5),
        ("tests/test_x.py", "test_b", "coverage", 5),
    ]
    assert found.gaps[0].reasons == (
        ("uncovered_lines", "1 of 2 changed lines did not run"),
        ("untaken_branch", "in 1 changed line"),
    )


def test_covered_lines_leave_no_gap() -> None:
    entry = {"executed_lines": [1, 2, 3, 4], "contexts": {"2": ["t.py::x"]}}
    report = msgspec.json.encode({"files": {"src/shop/cart.py": entry}})
    assert manifest(coverage=coverage_json.read(report)).gaps == ()


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"files": {}}', b"\xff", b'{"files": 1}'])
def test_what_is_no_report_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        coverage_json.read(raw)


def test_odd_entries_of_a_report_are_passed_over() -> None:
    odd = {"files": {"x": {"executed_lines": "no", "contexts": {"a": [], "1": [2, None, "|run"]},
                           "missing_branches": [[], 3, ["x"]]}}}  # fmt: skip
    (entry,) = coverage_json.read(msgspec.json.encode(odd)).values()
    assert (entry.executed, dict(entry.contexts), entry.partial) == (frozenset(), {}, frozenset())


@pytest.mark.parametrize(
    ("source", "test", "expected"),
    [
        ("src/shop/cart.py", "tests/shop/test_cart.py", 3),
        ("src/main/java/a/Cart.java", "src/test/java/a/CartTest.java", 3),
        ("shop/cart.go", "shop/cart_test.go", 3),
        ("web/src/cart.ts", "web/src/cart.spec.ts", 3),
        ("lib/cart.rb", "spec/cart_spec.rb", 3),
        ("src/shop/cart.py", "tests/bank/test_cart.py", 2),
        ("src/shop/cart.py", "tests/shop/test_cart_totals.py", 1),
        ("src/shop/cart.py", "tests/shop/test_prices.py", 0),
    ],
)
def test_names_are_compared_without_what_marks_a_test(
    source: str, test: str, expected: int
) -> None:
    assert naming.likeness(naming.place_of(source), naming.place_of(test)) == expected


@pytest.mark.parametrize(
    ("test", "source", "content"),
    [
        ("tests/test_x.py", "src/shop/cart.py", b"from shop import cart\n"),
        ("tests/test_x.py", "src/shop/cart.py", b"import os, shop.cart as c\n"),
        ("shop/tests/test_x.py", "shop/cart.py", b"from ..cart import total\n"),
        ("shop/test_x.py", "shop/__init__.py", b"import shop\n"),
        ("web/cart.spec.ts", "web/cart.ts", b"import { total } from './cart';\n"),
        ("web/t/cart.spec.ts", "web/cart/index.ts", b"const c = require('../cart');\n"),
        ("t/x_test.cc", "src/shop/cart.h", b'#include "shop/cart.h"\n'),
        ("src/test/java/T.java", "src/main/java/shop/Cart.java", b"import shop.Cart;\n"),
        ("tests/t.rs", "src/cart.rs", b"use crate::cart;\n"),
        ("tests/t.rs", "src/cart.rs", b"use crate::cart::total;\n"),
        ("spec/x_spec.rb", "lib/shop/cart.rb", b'require "shop/cart"\n'),
        ("spec/x_spec.rb", "lib/cart.rb", b"require_relative '../lib/cart'\n"),
        ("tests/T.php", "src/Shop/Cart.php", b"use Shop\\Cart;\n"),
        ("test/x.bats", "bin/deploy.sh", b"source ./../bin/deploy.sh\n"),
    ],
)
def test_imports_of_every_language_lead_to_their_file(
    test: str, source: str, content: bytes
) -> None:
    language = language_of(test)
    assert language is not None
    assert is_imported(source, mentions(test, language, content).imports)


@pytest.mark.parametrize(
    ("source", "tests", "expected"),
    [
        ("src/shop/cart.py", (), "tests/shop/test_cart.py"),
        ("src/shop/cart.py", ("tests/unit/shop/test_a.py",), "tests/unit/shop/test_cart.py"),
        ("shop/cart.go", (), "shop/cart_test.go"),
        ("src/main/java/a/Cart.java", (), "src/test/java/a/CartTest.java"),
        ("web/cart.ts", (), "web/cart.test.ts"),
        ("web/cart.ts", ("web/a.spec.ts",), "web/cart.spec.ts"),
        ("web/cart.ts", ("tests/web/a.test.ts",), "tests/web/cart.test.ts"),
        ("lib/cart.rb", (), "spec/cart_spec.rb"),
        ("bin/deploy.sh", (), "tests/bin/deploy.bats"),
    ],
)
def test_new_tests_go_where_the_others_are(
    source: str, tests: tuple[str, ...], expected: str
) -> None:
    assert Layout(tests).target(source, language_of(source)) == expected

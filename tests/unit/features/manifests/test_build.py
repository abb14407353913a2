"""The whole of a manifest: the same bytes for any order, never a silent subset, its schema."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given as property_of
from hypothesis import settings
from hypothesis import strategies as st

from hookyard.features.manifests import coverage_json
from hookyard.features.manifests.build import Inputs, Subject, build
from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.encode import to_bytes, to_json
from hookyard.features.manifests.measure import Given
from hookyard.features.manifests.model import OpenCriterion
from hookyard.features.manifests.schema import document_schema, published
from hookyard.kit.json import Json

from .samples import SAMPLES, given
from .test_tests_of import NEW, OLD, REPORT, TEST

ROOT = Path(__file__).parents[4]
CRITERIA = (
    OpenCriterion("T3", "The total of a cart without items is zero", 42),
    OpenCriterion("T10", "Порядок сохраняется", 42),
    OpenCriterion("T1", "Deploys only with an argument", 7),
)


def everything() -> Inputs:
    files = [
        *(given(sample.path, sample.old, sample.new) for sample in SAMPLES),
        given("src/shop/prices.py", OLD, NEW),
        given("tests/test_prices.py", None, TEST.decode().replace("shop.cart", "shop.prices")),
        given("docs/x.md", "a\n", "b\n"),
        given("lib/cart.dart", "a\n", "b\n"),
        Given(FileDiff("logo.png", "logo.png", Status.MODIFIED, is_binary=True)),
        Given(FileDiff("big.py", "big.py", Status.MODIFIED, problem="larger than 8 MiB")),
        Given(FileDiff("b.py", "a.py", Status.RENAMED)),
    ]
    return Inputs(
        Subject("acme/shop", 7, "b" * 40, "a" * 40),
        files,
        paths=frozenset({"tests/unit/test_old.py", "conftest.py", "src/shop/cart.py"}),
        tests={"tests/unit/test_old.py": TEST, "tests/b_test.go": b"package b\n"},
        texts={"package.json": '{"devDependencies": {"vitest": "1"}}'},
        coverage=coverage_json.read(msgspec.json.encode(REPORT)),
        together={("src/shop/prices.py", "tests/unit/test_old.py"): 2},
        criteria=CRITERIA,
        notes=("one", "two"),
        total_files=30,
    )


BYTES = to_bytes(to_json(build(everything())))


@property_of(st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_any_order_of_the_input_gives_the_same_bytes(seed: int) -> None:
    chance = random.Random(seed)

    def shuffled(items: object) -> list[object]:
        found = list(items)  # type: ignore[call-overload]
        chance.shuffle(found)
        return found

    whole = everything()
    inputs = replace(
        whole,
        files=shuffled(whole.files),
        tests=dict(shuffled(whole.tests.items())),  # type: ignore[arg-type]
        together=dict(shuffled(whole.together.items())),  # type: ignore[arg-type]
        criteria=shuffled(whole.criteria),
        notes=shuffled(whole.notes),
    )
    assert to_bytes(to_json(build(inputs))) == BYTES


def test_another_process_gives_the_same_bytes() -> None:
    code = (
        "import hashlib, importlib, sys; sys.path.insert(0, '.');"
        "import tests.unit.features.manifests.test_build as t;"
        "print(hashlib.sha256(t.BYTES).hexdigest())"
    )
    import hashlib

    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == hashlib.sha256(BYTES).hexdigest()


def test_what_is_not_measured_is_counted_and_listed_with_its_reason() -> None:
    document = json.loads(BYTES)
    assert document["measured"]["says"] == "20 of 30 files measured"
    assert document["unmeasured"] == [
        {"path": "big.py", "reason": "larger than 8 MiB"},
        {"path": "logo.png", "reason": "binary"},
    ]
    assert document["notes"] == ["one", "two"]


def test_documents_fit_the_schema() -> None:
    validator = jsonschema_rs.validator_for(document_schema())
    document = json.loads(BYTES)
    validator.validate(document)
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate({**document, "schema": "hookyard.manifest/2"})
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate({name: document[name] for name in document if name != "gaps"})


def test_the_published_schema_is_the_one_that_holds() -> None:
    path = ROOT / "docs/schemas/manifest-1.schema.json"
    shown: Json = json.loads(path.read_text())
    assert shown == json.loads(json.dumps(published()))


def suggestions() -> dict[str, dict[str, Json]]:
    return {one["criterion"]: one for one in json.loads(BYTES)["suggestions"] if one["criterion"]}


def test_criteria_get_a_test_with_their_id_beside_the_code_they_speak_of() -> None:
    found = suggestions()
    assert list(found) == ["T1", "T3", "T10"]
    deploy = found["T1"]
    assert deploy["target"] == "tests/bin/deploy.bats"
    assert deploy["name"] == "7/T1::deploys only with an argument"
    assert str(deploy["skeleton"]).startswith('@test "7/T1::deploys only with an argument" {')
    assert "“deploy”" in str(deploy["why"])


def test_a_criterion_in_another_script_still_gets_a_name() -> None:
    assert suggestions()["T10"]["gap"] is None
    assert suggestions()["T10"]["why"] == "no changed symbol shares a word with it"
    assert "T10" in str(suggestions()["T10"]["name"])


def test_gaps_are_ranked_by_score_then_place() -> None:
    gaps = json.loads(BYTES)["gaps"]
    assert [gap["rank"] for gap in gaps] == list(range(len(gaps)))
    order = [(-gap["score"], gap["file"]) for gap in gaps]
    assert order == sorted(order)
    symbols = json.loads(BYTES)["symbols"]
    assert all(symbols[gap["symbol"]]["name"] == gap["name"] for gap in gaps)


def test_a_symbol_that_moves_to_another_file_is_no_gap() -> None:
    body = "def total(items):\n    return sum(items) * 12345\n"
    left = given("a.py", "X = 1\n" + body, "X = 1\n")
    inputs = Inputs(Subject(), [left, given("b.py", "Y = 1\n", "Y = 1\n" + body)])
    found = build(inputs)
    assert [(s.symbol.change.value, s.symbol.was) for s in found.symbols] == [
        ("moved", "a.py: total")
    ]
    assert found.gaps == ()


def test_what_is_deleted_while_tests_name_it_is_a_gap() -> None:
    files = [given("src/shop/cart.py", OLD, "X = 1\n")]
    found = build(Inputs(Subject(), files, tests={"tests/test_cart.py": TEST}))
    assert [gap.reasons[0][0] for gap in found.gaps] == ["deleted_but_named"]


def test_tests_deleted_with_the_pull_request_do_not_count() -> None:
    files = [
        given("src/shop/cart.py", OLD, NEW),
        given("tests/shop/test_cart.py", TEST.decode(), None),
    ]
    found = build(Inputs(Subject(), files, paths=frozenset({"src/shop/cart.py"})))
    assert found.tests_known == 0
    assert found.symbols[0].tests == ()


def test_no_grammar_is_loaded_before_a_file_is_read() -> None:
    code = (
        "import sys; import hookyard.registry, hookyard.bootstrap.assembly;"
        "print([m for m in sys.modules if m.startswith('tree_sitter')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"

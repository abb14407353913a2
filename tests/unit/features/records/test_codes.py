"""The codes of refusals: those that are raised are those the document and the page name."""

import ast
from collections.abc import Iterator

from hookyard.features.records.documents.codes import MEANINGS, OTHERS, all_codes
from tests.house.tree import ROOT, load


def raised() -> Iterator[str]:
    """The code of every refusal in the room; those of jobs are told to nobody who calls."""
    for source in load(ROOT, "src/hookyard/features/records"):
        if source.path.endswith("/jobs.py"):
            continue
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id == "wrong":
                yield from texts(node.args[1])
            for word in node.keywords:
                if word.arg == "code":
                    yield from texts(word.value)


def texts(node: ast.expr) -> Iterator[str]:
    """The constant texts in an expression."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def test_every_code_that_is_raised_is_known() -> None:
    found = set(raised())
    assert len(found) > 30
    assert sorted(found - all_codes()) == []


def test_the_page_lists_every_code_and_status() -> None:
    page = (ROOT / "docs/records.md").read_text()
    assert [code for code in sorted(all_codes()) if f"`{code}`" not in page] == []
    assert set(MEANINGS) == {400, 409, *OTHERS}
    assert [status for status in MEANINGS if f"| {status} |" not in page] == []

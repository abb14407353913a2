"""The attacks of docs/security.md have tests that exist; secrets are compared by `same`."""

import ast
import re
from collections.abc import Iterator

from tests.house.tree import ROOT, Source, load

PAGE = ROOT / "docs/security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`")
SECRET = re.compile(r"(?:^|_)(?:signature|mac|digest|sha256|secret|password|token|csrf)(?:$|_)")
# why: what is compared inside the database, by kind or by length.
FINE = re.compile(r"(?:\.c\.|\.kind\b|len\()")


def named_tests(text: str) -> Iterator[tuple[str, str]]:
    """Each file and test of the table; `::name` alone is of the file before it."""
    table = text[text.index("## Attacks and their tests") : text.index("## Reporting")]
    path = ""
    for found in NAMED.finditer(table):
        path = found[1] or path
        if found[1] or found[2]:
            yield path, found[2] or ""


def missing(text: str) -> list[str]:
    """What the table names and the tree does not have."""
    found = []
    for path, name in named_tests(text):
        file = ROOT / path
        body = file.read_text() if file.is_file() else ""
        if not body or (name and f"def {name}(" not in body):
            found.append(f"{path}::{name}")
    return found


def plain_comparisons(sources: list[Source]) -> list[str]:
    """Secrets compared by `==` or `!=`, which stop at the first difference."""
    return [
        f"{source.path}:{node.lineno} {ast.unparse(node)}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
        and all(SECRET.search(_last_name(side)) for side in (node.left, *node.comparators))
    ]


def _last_name(node: ast.expr) -> str:
    text = ast.unparse(node)
    return "" if FINE.search(text) else text.rsplit(".", 1)[-1].lower()


def test_every_attack_of_the_page_has_its_test() -> None:
    text = PAGE.read_text()
    assert len(list(named_tests(text))) > 40
    assert missing(text) == []


def test_a_test_that_is_gone_is_found() -> None:
    table = "## Attacks and their tests\n`tests/house/test_attacks.py::test_gone`\n## Reporting"
    assert missing(table) == ["tests/house/test_attacks.py::test_gone"]


def test_secrets_are_compared_in_constant_time() -> None:
    rooms = ("core/ingress/providers", "core/identity", "core/registration", "entrypoints/http")
    sources = load(ROOT, *(f"src/hookyard/{room}" for room in rooms))
    assert plain_comparisons(sources) == []


def test_a_plain_comparison_is_found() -> None:
    bad = Source("src/x.py", "if given_signature == signature: pass")
    assert len(plain_comparisons([bad])) == 1

"""Rules on the shape of files: docstrings and sizes."""

import ast
from collections.abc import Iterable, Iterator

from tests.house.tree import Source

FILE_LINES = 400
FUNCTION_LINES = 60
P90_LINES = 30
# why: a migration is a record of what was made; nobody works in it again.
RECORDS = "/migrations/versions/"


def missing_docstrings(sources: Iterable[Source]) -> list[str]:
    """Modules that do not say what they are for."""
    return [s.path for s in sources if not ast.get_docstring(s.tree)]


def long_files(sources: Iterable[Source]) -> list[str]:
    """Files above the limit."""
    counted = ((s.path, len(s.text.splitlines())) for s in sources if RECORDS not in s.path)
    return [f"{path}: {lines} lines" for path, lines in counted if lines > FILE_LINES]


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """Name with place, and length in lines from `def` to the end, of every function."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{source.path}:{node.lineno} {node.name}", length


def long_functions(sources: Iterable[Source]) -> list[str]:
    """Functions above the limit."""
    return [
        f"{name}: {lines} lines"
        for source in sources
        for name, lines in functions(source)
        if lines > FUNCTION_LINES and RECORDS not in source.path
    ]


def p90_function_length(sources: Iterable[Source]) -> int:
    """Nine functions in ten are no longer than this; 0 when there are none."""
    lengths = sorted(lines for source in sources for _, lines in functions(source))
    return lengths[max(0, -(-len(lengths) * 9 // 10) - 1)] if lengths else 0

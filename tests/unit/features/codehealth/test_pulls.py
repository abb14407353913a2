"""Added lines out of patches as GitHub gives them."""

from collections.abc import AsyncIterator

from hookyard.features.codehealth.pulls import added_lines, measured
from hookyard.kit.json import JsonObject

PATCH = """@@ -1,3 +1,4 @@ def f():
 one
-two
+2
+2b
 three
\\ No newline at end of file
@@ -9 +10,2 @@
+x
 y"""


def test_added_lines_are_those_of_the_new_side() -> None:
    assert added_lines(PATCH) == {2, 3, 10}
    assert added_lines("") == added_lines("Binary files differ") == frozenset()


async def listed(*files: JsonObject) -> AsyncIterator[JsonObject]:
    for one in files:
        yield one


async def test_files_without_their_lines_are_counted() -> None:
    found = await measured(
        listed(
            {"filename": "a.py", "status": "modified", "patch": "@@ -0,0 +1 @@\n+a"},
            {"filename": "b.py", "status": "renamed", "previous_filename": "c.py", "changes": 0,
             "additions": 0},
            {"filename": "big.py", "status": "modified", "additions": 9_000, "changes": 9_000},
        ),
        12,
        4,
    )  # fmt: skip
    assert found.added == {"a.py": frozenset({1})}
    assert found.renamed == {"b.py": "c.py"}
    assert (found.lines, found.unmeasured) == (12, 2)

"""Added lines out of patches as GitHub gives them."""

from hookyard.adapters.github.pullfiles import PullFile, file_of
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


def listed(*files: JsonObject) -> tuple[PullFile, ...]:
    return tuple(file_of(one) for one in files)


def test_files_without_their_lines_are_counted() -> None:
    found = measured(
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

"""Diffs are read as git means them; what does not add up keeps its reason."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.features.manifests.diffs import Status, spans
from hookyard.features.manifests.hunks import MAX_FILES, read_diff
from hookyard.kit.hunks import COMBINED, SHORT, read_patch

RENAME = b"""diff --git a/src/old name.py b/src/new name.py
similarity index 90%
rename from src/old name.py
rename to src/new name.py
index 1111111..2222222 100644
--- a/src/old name.py\t
+++ b/src/new name.py\t
@@ -1,3 +1,3 @@ def first():
 a
-b
+c
 d
@@ -10,0 +11,2 @@ class Second
+x
+y
"""


def test_a_rename_has_both_paths_and_lines_of_both_sides() -> None:
    (file,) = read_diff(RENAME).files
    assert (file.path, file.old_path) == ("src/new name.py", "src/old name.py")
    assert (file.status, file.problem) == (Status.RENAMED, "")
    assert (file.added, file.deleted) == ((2, 11, 12), (2,))
    assert [hunk.context for hunk in file.hunks] == ["def first():", "class Second"]


@pytest.mark.parametrize(
    ("raw", "path", "old", "status", "binary"),
    [
        (b"diff --git a/x b/x\nnew file mode 100644\nindex 0..1\n", "x", "x", "added", False),
        (b"diff --git a/x b/x\ndeleted file mode 100644\n", "x", "x", "deleted", False),
        (b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", "x", "x", "mode", False),
        (b"diff --git a/x b/y\ncopy from x\ncopy to y\n", "y", "x", "copied", False),
        (b"diff --git a/x b/y\nrename from x\nrename to y\n", "y", "x", "renamed", False),
        (b"diff --git a/i.png b/i.png\nBinary files a/i.png and b/i.png differ\n", "i.png", "i.png",
         "modified", True),
        (b"diff --git a/i b/i\nGIT binary patch\nliteral 3\nKcmZ\n\n", "i", "i", "modified", True),
        (b'diff --git "a/\\303\\244 \\"q\\".c" "b/\\303\\244 \\"q\\".c"\nold mode 1\nnew mode 2\n',
         'ä "q".c', 'ä "q".c', "mode", False),
        (b"diff --git a/a b b/a b\nold mode 1\nnew mode 2\n", "a b", "a b", "mode", False),
        (b"--- a/x\t2026-01-01 00:00:00\n+++ b/x\t2026-01-02\n@@ -1 +1 @@\n-a\n+b\n", "x", "x",
         "modified", False),
        (b"--- /dev/null\n+++ b/new/x\n@@ -0,0 +1 @@\n+b\n", "new/x", "new/x", "added", False),
        (b"--- old/x\n+++ new/x\n@@ -1 +1 @@\n-a\n+b\n", "new/x", "old/x", "renamed", False),
        (b"diff --git i/x w/x\nold mode 1\nnew mode 2\n", "x", "x", "mode", False),
    ],
)  # fmt: skip
def test_headers_say_what_became_of_a_file(
    raw: bytes, path: str, old: str, status: str, binary: bool
) -> None:
    (file,) = read_diff(raw).files
    assert (file.path, file.old_path, file.status.value) == (path, old, status)
    assert file.is_binary is binary


def test_lines_that_look_like_headers_stay_lines() -> None:
    raw = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n+++ b/y\n c\n"
    (file,) = read_diff(raw).files
    assert (file.path, file.added, file.deleted) == ("x", (1,), (1,))
    assert file.hunks[0].lines == (b"--- a/y", b"+++ b/y", b" c")


def test_a_missing_newline_is_no_line() -> None:
    hunks, problem = read_patch(
        "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+b\n+c\n\\ No newline at end of file"
    )
    assert problem == ""
    assert (hunks[0].deleted, hunks[0].added) == ({1: b"a"}, {1: b"b", 2: b"c"})


def test_line_ends_of_windows_are_kept_in_lines_and_dropped_from_headers() -> None:
    raw = b"diff --git a/x b/x\r\n--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@ f\r\n-a\r\n+b\r\n"
    (file,) = read_diff(raw).files
    assert (file.path, file.problem) == ("x", "")
    assert (file.hunks[0].context, file.hunks[0].lines) == ("f", (b"-a\r", b"+b\r"))


@pytest.mark.parametrize(
    "raw",
    [
        b"diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,1 -1,1 +1,2 @@@\n  a\n++b\n",
        b"diff --combined x\nindex 1,2..3\n",
        b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@@ -1 -1 +1,2 @@@\n  a\n++b\n",
    ],
)
def test_combined_diffs_are_refused_with_a_reason(raw: bytes) -> None:
    (file,) = read_diff(raw).files
    assert (file.path, file.problem, file.hunks) == ("x", COMBINED, ())


def test_hunks_that_end_early_say_so_and_the_next_file_is_read() -> None:
    raw = (
        b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n"
        b"diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n"
    )
    broken, whole = read_diff(raw).files
    assert (broken.path, broken.problem) == ("x", SHORT)
    assert (whole.path, whole.problem, whole.added) == ("y", "", (1,))


def test_more_files_than_are_read_are_not_dropped_in_silence() -> None:
    one = b"diff --git a/x b/x\nold mode 1\nnew mode 2\n"
    diff = read_diff(one * (MAX_FILES + 1))
    assert (len(diff.files), diff.truncated) == (MAX_FILES, True)


def test_spans_are_runs_of_changed_lines() -> None:
    hunks, _ = read_patch("@@ -1,4 +1,5 @@\n a\n-b\n+c\n+d\n e\n-f\n+g\n")
    found = [(s.old_row, s.old_count, s.new_row, s.new_count) for s in spans(hunks)]
    assert found == [(1, 1, 1, 2), (3, 1, 4, 1)]


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_without_failing(raw: bytes) -> None:
    for file in read_diff(raw).files:
        assert file.path.isprintable() or file.path
    read_patch(raw)


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_a_diff_that_was_spoilt_is_read_without_failing(seed: int) -> None:
    chance = random.Random(seed)
    lines = RENAME.split(b"\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        what = chance.random()
        if what < 0.4:
            del lines[at]
        elif what < 0.7:
            lines.insert(at, chance.choice(lines) if lines else b"")
        else:
            lines[at : at + 1] = [lines[at][: len(lines[at]) // 2]]
        lines = lines or [b""]
    for file in read_diff(b"\n".join(lines)).files:
        assert list(file.added) == sorted(set(file.added))

"""A diff of our own leads from one side to the other, whatever the sides are, in bounded time."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.features.manifests.before import undo
from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.linediff import MAX_LINES, diff_lines

LINE = st.sampled_from([b"a", b"b", b"c", b"", b"\r", b"  x", b"}"])
CONTENT = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.lists(LINE, max_size=30),
    st.sampled_from([b"", b"\n"]),
)


@given(CONTENT, CONTENT)
@settings(max_examples=250, deadline=None)
def test_undoing_the_hunks_gives_the_old_side(old: bytes, new: bytes) -> None:
    hunks = diff_lines(old, new)
    assert hunks is not None
    before = undo(new, hunks)
    assert before is not None
    assert before.content == old


@given(CONTENT)
def test_equal_sides_have_no_hunks(content: bytes) -> None:
    assert diff_lines(content, content) == ()


def test_a_small_change_in_a_large_file_is_small() -> None:
    lines = [b"line %d" % n for n in range(5_000)]
    changed = [*lines[:2_000], b"new", *lines[2_000:4_000], *lines[4_001:]]
    hunks = diff_lines(b"\n".join(lines), b"\n".join(changed))
    assert hunks is not None
    diff = FileDiff("x", "x", Status.MODIFIED, hunks)
    assert (diff.added, diff.deleted) == ((2_001,), (4_001,))


def test_files_made_to_be_slow_are_not() -> None:
    chance = random.Random(3)
    old = b"\n".join(b"%d" % chance.randrange(40) for _ in range(20_000))
    new = b"\n".join(b"%d" % chance.randrange(40) for _ in range(20_000))
    started = time.process_time()
    hunks = diff_lines(old, new)
    assert hunks is not None
    assert time.process_time() - started < 5
    before = undo(new, hunks)
    assert before is not None
    assert before.content == old


def test_more_lines_than_are_compared_are_refused() -> None:
    assert diff_lines(b"a\n", b"b\n" * (MAX_LINES + 1)) is None


@pytest.mark.parametrize(
    ("new", "patch"),
    [
        (b"x\nb\n", "@@ -1,2 +1,2 @@\n a\n-c\n+b\n"),
        (b"a\n", "@@ -5 +5 @@\n-c\n+b\n"),
        (b"a\nb\n", "@@ -1 +1 @@\n-c\n+a\n@@ -1 +1 @@\n-c\n+a\n"),
    ],
)
def test_hunks_that_do_not_fit_give_nothing(new: bytes, patch: str) -> None:
    from hookyard.kit.hunks import read_patch

    hunks, _ = read_patch(patch)
    assert undo(new, hunks) is None

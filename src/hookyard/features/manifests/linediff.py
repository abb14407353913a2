"""Two versions of a file → hunks without context, for files that GitHub sends without a patch.

Equal ends are set aside; what is between is cut at lines that occur once on both sides and stand
in the same order (the idea of patience diff); between two cuts the shortest edit is looked for
within a bound (Myers' greedy search); past it the whole stretch counts as changed. So time stays
near linear, and the answer is always a true edit, if not always the shortest.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from hookyard.kit.hunks import Hunk

MAX_LINES = 200_000
MAX_EDITS = 128

_Span = tuple[int, int, int, int]


def diff_lines(old: bytes, new: bytes) -> tuple[Hunk, ...] | None:
    """Hunks that turn `old` into `new`; None when either has more than MAX_LINES lines."""
    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > MAX_LINES:
        return None
    return tuple(_hunk(span, before, after) for span in _joined(changed_spans(before, after)))


def _lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True) if b"\r" not in content else _by_newline(content)


def _by_newline(content: bytes) -> list[bytes]:
    parts = [part + b"\n" for part in content.split(b"\n")]
    parts[-1] = parts[-1][:-1]
    return parts if parts[-1] else parts[:-1]


def _joined(spans: Iterator[_Span]) -> list[_Span]:
    found: list[_Span] = []
    for a, b, c, d in spans:
        touches = bool(found) and found[-1][1] == a and found[-1][3] == c
        first, _, third, _ = found.pop() if touches else (a, b, c, d)
        found.append((first, b, third, d))
    return found


def _hunk(span: _Span, before: Sequence[bytes], after: Sequence[bytes]) -> Hunk:
    a, b, c, d = span
    lines = [*_marked(b"-", before[a:b]), *_marked(b"+", after[c:d])]
    return Hunk(a + 1 if b > a else a, b - a, c + 1 if d > c else c, d - c, "", tuple(lines))


def _marked(mark: bytes, lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        if line.endswith(b"\n"):
            yield mark + line[:-1]
        else:
            yield mark + line
            yield b"\\ No newline at end of file"


def changed_spans(before: Sequence[bytes], after: Sequence[bytes]) -> Iterator[_Span]:
    """(old from, old to, new from, new to), ascending, with equal lines between them."""
    # why: a stack, not recursion; a hostile file could nest cuts deeper than Python does.
    waiting: list[_Span] = [(0, len(before), 0, len(after))]
    while waiting:
        a, b, c, d = _trim(before, after, waiting.pop())
        if a == b or c == d:
            if a < b or c < d:
                yield (a, b, c, d)
            continue
        anchors = _anchors(before[a:b], after[c:d])
        if anchors:
            at, bt = a, c
            spans: list[_Span] = []
            for x, y in anchors:
                spans.append((at, a + x, bt, c + y))
                at, bt = a + x + 1, c + y + 1
            spans.append((at, b, bt, d))
            waiting.extend(reversed(spans))
        else:
            yield from _shortest(before, after, (a, b, c, d))


def _trim(before: Sequence[bytes], after: Sequence[bytes], span: _Span) -> _Span:
    a, b, c, d = span
    while a < b and c < d and before[a] == after[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and before[b - 1] == after[d - 1]:
        b, d = b - 1, d - 1
    return a, b, c, d


def _anchors(before: Sequence[bytes], after: Sequence[bytes]) -> list[tuple[int, int]]:
    """The longest run, in both orders, of pairs of lines that are unique on both sides."""
    once_old, once_new = Counter(before), Counter(after)
    places = {line: y for y, line in enumerate(after) if once_new[line] == 1}
    pairs = [
        (x, places[line]) for x, line in enumerate(before) if once_old[line] == 1 and line in places
    ]
    tails: list[int] = []
    ends: list[int] = []
    links: list[int] = []
    for index, (_, y) in enumerate(pairs):
        at = bisect_left(tails, y)
        links.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(y)
            ends.append(index)
        else:
            tails[at], ends[at] = y, index
    found: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        found.append(pairs[index])
        index = links[index]
    return found[::-1]


def _shortest(before: Sequence[bytes], after: Sequence[bytes], span: _Span) -> Iterator[_Span]:
    """# spec: E. Myers, An O(ND) Difference Algorithm (1986), the greedy forward search."""
    a, b, c, d = span
    n, m = b - a, d - c
    reach = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(min(MAX_EDITS, n + m) + 1):
        history.append(dict(reach))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
            x = reach[k + 1] if down else reach[k - 1] + 1
            y = x - k
            while y >= 0 and x < n and y < m and before[a + x] == after[c + y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x >= n and y >= m:
                yield from _walk_back(history, span)
                return
    yield span


def _walk_back(history: Sequence[dict[int, int]], span: _Span) -> Iterator[_Span]:
    a, b, c, d = span
    x, y = b - a, d - c
    found: list[_Span] = []
    for edits in range(len(history) - 1, 0, -1):
        reach, k = history[edits], x - y
        down = k == -edits or (k != edits and reach[k - 1] < reach[k + 1])
        px = reach[k + 1] if down else reach[k - 1]
        py = px - (k + 1 if down else k - 1)
        sx, sy = (px, py + 1) if down else (px + 1, py)
        found.append((a + px, a + sx, c + py, c + sy))
        x, y = px, py
    yield from reversed(found)

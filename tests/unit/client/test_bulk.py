"""Imports are cut into the same batches every time; lines are told by their place in the whole."""

from hookyard.client.bulk import (
    MAX_BYTES,
    MAX_LINES,
    PROBLEMS_TOLD,
    Batch,
    Batches,
    LineProblem,
    Report,
    load,
    moved,
)
from hookyard.client.calls import PLAIN, How
from hookyard.client.transport import KEY, Answer, refusal


def cut(records: list[dict[str, object]]) -> list[Batch]:
    batches = Batches()
    found = [batch for one in records if (batch := batches.add(one)) is not None]
    last = batches.rest()
    return found if last is None else [*found, last]


def test_batches_are_bounded_by_lines_and_by_bytes() -> None:
    many = cut([{"n": n} for n in range(2 * MAX_LINES + 1)])
    assert [one.first for one in many] == [1, MAX_LINES + 1, 2 * MAX_LINES + 1]
    assert [one.body.count(b"\n") for one in many] == [MAX_LINES, MAX_LINES, 1]
    large = cut([{"text": "x" * (MAX_BYTES // 2)} for _ in range(5)])
    assert [one.first for one in large] == [1, 3, 5]
    assert cut([]) == []
    assert len(cut([{"n": n} for n in range(MAX_LINES)])) == 1


def test_each_batch_has_a_key_of_its_own_and_none_without_one() -> None:
    call = load("users", Batch(1001, b"{}\n"), "upsert", "k", How(dry_run=True))
    assert call.request.headers[KEY] == "k.1001"
    assert call.request.params == {"mode": "upsert", "dry_run": "true"}
    assert call.request.may_repeat
    bare = load("users", Batch(1, b"{}\n"), "create", "", PLAIN)
    assert KEY not in bare.request.headers
    assert not bare.request.may_repeat


def test_lines_are_told_by_their_place_in_the_whole() -> None:
    body = (
        b'{"lines":2,"created":1,"updated":0,"unchanged":0,"failed":1,"replayed":0,"dryRun":false,'
        b'"problems":[{"line":2,"code":"required","detail":"d"}]}'
    )
    read = load("users", Batch(1001, b""), "create", "", PLAIN).read
    assert read(Answer(200, {}, body)).problems == [LineProblem(1002, "required", "d")]
    refused = refusal(422, b'{"code":"x","line":3}')
    assert moved(refused, Batch(1001, b"")).facts["line"] == 1003
    assert "line" not in moved(refusal(403, b"{}"), Batch(2, b"")).facts


def test_reports_add_up_with_so_many_problems_at_most() -> None:
    one = Report(1, 2, 3, 4, 5, 6, [LineProblem(1, "c", "d")] * PROBLEMS_TOLD)
    both = one.and_then(one)
    assert (both.lines, both.created, both.updated) == (2, 4, 6)
    assert (both.unchanged, both.failed, both.replayed) == (8, 10, 12)
    assert len(both.problems) == PROBLEMS_TOLD

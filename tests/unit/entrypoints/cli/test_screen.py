"""Tables that stay readable, whatever strangers wrote into them."""

import pytest

from hookyard.entrypoints.cli import deliveries, effects, jobs, keys
from hookyard.entrypoints.cli.screen import (
    Column,
    clip,
    harmless,
    lines_of,
    moment,
    text_of,
    width_of,
)

LONG = "a reason that goes on and on and never comes to an end " * 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b]0;title\x07", "[31mred]0;title"),
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("right\u202eleft\u200b", "rightleft"),
        ("naïve 日本", "naïve 日本"),
        ("lone \ud800", "lone "),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_clipping_counts_cells_and_says_so() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"
    assert clip("日本日本", 6) == "日本…"
    assert width_of("日本") == 4


def test_columns_line_up_and_elastic_ones_give_way() -> None:
    columns = (Column("id", text_of("id")), Column("about", text_of("about"), elastic=True))
    head, row, other = lines_of(columns, [{"id": "1", "about": LONG}, {"id": "22"}], 40)
    assert head[0] == row[0].replace("1", "id").rstrip().ljust(2) == "id"
    assert {width_of("  ".join(cells)) for cells in (head, row, other)} == {40}
    assert row[1].endswith("…")


def test_nothing_is_cut_where_the_output_is_no_terminal() -> None:
    columns = (Column("about", text_of("about"), elastic=True),)
    assert lines_of(columns, [{"about": LONG}], None)[1] == [harmless(LONG)]


ID = "01kf3v0q8zj4w2m6x5t7r9s1ab"
AT = "2026-01-31T12:00:00.123Z"
ROW = {
    "id": ID,
    "source": "a-source-with-a-long-name",
    "event": "pull_request_review_comment",
    "action": "synchronize",
    "status": "accepted",
    "reason": LONG,
    "received_at": AT,
    "created_at": AT,
    "requested_at": AT,
    "last_used_at": AT,
    "kind": "checklists.extract",
    "lane": "critical",
    "state": "cancelled",
    "attempt": 10,
    "max_attempts": 25,
    "repository": "an-organisation/a-repository-with-a-long-name",
    "error": LONG,
    "name": LONG,
    "role": "operator",
    "scope": "repo:an-organisation/a-repository",
}


@pytest.mark.parametrize("room", [deliveries, jobs, effects, keys])
def test_every_list_fits_100_columns_with_whole_ids(room: object) -> None:
    _, row = lines_of(getattr(room, "COLUMNS"), [ROW], 100)  # noqa: B009
    assert width_of("  ".join(row)) <= 100
    assert row[0] == ID


def test_moments_are_short_and_sortable() -> None:
    assert moment(AT) == "2026-01-31 12:00:00"
    assert moment(None) == ""

"""Is page 1,000 of a list as fast as page 1? Keyset pages over many records.

Two lists that an index serves: every record, and a hundredth of them in another order.

The cursor of a deep page is fetched by reading every page up to it. Then the first and the deep
page are asked for in turns over one kept connection.
"""

import http.client
import json
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlencode

from benchmarks.records import OURS, RecordServer, pair, started
from benchmarks.report import Figures, Goal
from benchmarks.servers import ADMIN_KEY, NotMeasured

PAGE = 1_000
ORDERS = {
    "default": {"limit": "50"},
    "of a conversation, newest first": {
        "where": '{"conversationId":"c-7"}', "orderBy": '{"createdAt":"desc"}', "limit": "5",
    },
}  # fmt: skip


class Lists:
    """Asks one server for pages of artifacts in one order."""

    def __init__(self, port: int, order: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._query: dict[str, str] = ORDERS[order]

    def page(self, cursor: str | None) -> tuple[str, float]:
        """The next page's cursor, and the milliseconds it took."""
        query = self._query | ({"cursor": cursor} if cursor else {})
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        began = time.perf_counter()
        self._connection.request("GET", f"/v1/artifacts?{urlencode(query)}", headers=headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise NotMeasured(f"a page was answered {answer.status}: {body[:300]!r}")
        found = json.loads(body)
        if len(found["items"]) != int(self._query["limit"]) or found["next_cursor"] is None:
            raise NotMeasured("a page was not full")
        return str(found["next_cursor"]), took


def measure(
    figures: Figures,
    command: str,
    rows: int,
    times: int = 400,
    engines: Sequence[str] = ("sqlite", "postgres"),
) -> None:
    """Each order on each engine; the medians' ratio is a goal."""
    table = []
    for engine in engines:
        with ExitStack() as stack:
            try:
                contenders, _ = pair(stack, engine, replace(OURS, command=command))
                server = started(stack, contenders[0], rows)
                for order in ORDERS:
                    line, goal = compare_pages(server, engine, order, rows, times)
                    table.append(line)
                    figures.goals.append(goal)
                    print(f"  {line}", flush=True)
            except NotMeasured as reason:
                figures.note(f"not measured: pages on {engine}: {reason}")
    if table:
        figures.tables[f"Pages over {rows:,} records, {times} of each"] = table


def compare_pages(
    server: RecordServer, engine: str, order: str, rows: int, times: int
) -> tuple[dict[str, object], Goal]:
    """One order on one server: its line of the table, and the goal."""
    lists = Lists(server.port, order)
    cursor = None
    for _ in range(PAGE - 1):
        cursor, _ = lists.page(cursor)
    first: list[float] = []
    deep: list[float] = []
    for _ in range(times):
        first.append(lists.page(None)[1])
        deep.append(lists.page(cursor)[1])
    medians = statistics.median(first), statistics.median(deep)
    line: dict[str, object] = {
        "engine": engine, "order": order, "page 1 ms": medians[0], f"page {PAGE:,} ms": medians[1],
    }  # fmt: skip
    what = f"page {PAGE:,} of {rows:,} records, {engine}, {order}"
    return line, Goal(what, "page 1", medians[1] / medians[0], 1.1, at_least=False)

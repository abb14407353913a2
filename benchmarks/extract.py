"""What it costs to read an issue's criteria, beside markdown-it-py's own parse of the same text.

Three issues of 84 KB: one of every form of list, table and scenario; one of a short list and much
prose; one that is nothing but tasks. Both run in turn in this process; the figure is processor
time, the best of the rounds of each.
"""

import time
from collections.abc import Callable

from markdown_it import MarkdownIt

from benchmarks.report import Figures, Goal
from hookyard.features.checklists.extract import extract

SIZE = 84 * 1024
WANTED = 2.0
MIXED = """## Acceptance criteria

- [ ] AC-{n}: the export of month {n} lists **every** invoice with its `customer` and total
  - [x] in the currency of the account
  - [ ] ~~with a chart~~ (out of scope)

| # | Requirement | Done |
|---|-------------|------|
| 1 | The file of part {n} opens in a spreadsheet | yes |
| 2 | Numbers use a point | no |

```gherkin
Feature: Export {n}
  Scenario: Nothing to export
    Given an account without invoices
    When the export is asked for
    Then it says that there is nothing
```

1. WHEN the export fails THE SYSTEM SHALL keep the last file
2. Given a month, when it is exported twice, then the files are equal

### Notes

> The old export, [see above](https://example.org/{n}), had *none* of this.

Some prose about part {n}, with `code` and a list:

- it was slow
- nobody used it

"""
PROSE = """The report of part {n} has [links](https://example.org), *emphasis* and `code`, over
several lines, because whoever wrote it had much to say.

"""
TASK = "- [ ] The page number {n} shows the total of its rows\n"


def issues() -> dict[str, str]:
    """Each issue by what it is made of."""
    short = "## Acceptance criteria\n\n" + "".join(TASK.format(n=n) for n in range(12))
    return {
        "every form": _filled("", MIXED),
        "a short list and prose": _filled(short + "\n## Notes\n\n", PROSE),
        "tasks only": _filled("## Acceptance criteria\n\n", TASK),
    }


def _filled(lead: str, part: str) -> str:
    parts, size, n = [lead], len(lead), 0
    while size < SIZE:
        parts.append(part.format(n=n))
        size, n = size + len(parts[-1]), n + 1
    return "".join(parts)[:SIZE]


def measure(figures: Figures, rounds: int) -> None:
    """Both on each issue, in turn."""
    rows: list[dict[str, object]] = []
    worst = 0.0
    whole = MarkdownIt("commonmark", {"html": True}).enable("table")
    for name, text in issues().items():
        best = {"theirs": float("inf"), "ours": float("inf")}
        for _ in range(max(3, rounds * 3)):
            best["theirs"] = min(best["theirs"], _spent_ms(lambda t=text: whole.parse(t)))  # type: ignore[misc]
            best["ours"] = min(best["ours"], _spent_ms(lambda t=text: extract(t)))  # type: ignore[misc]
        ratio = best["ours"] / best["theirs"]
        worst = max(worst, ratio)
        rows.append(
            {
                "issue of 84 KB": name,
                "criteria": len(extract(text).items),
                "markdown-it-py ms": round(best["theirs"], 1),
                "hookyard ms": round(best["ours"], 1),
                "ratio": round(ratio, 2),
            }
        )
    figures.goals.append(
        Goal("criteria of an issue", "markdown-it-py's parse", worst, WANTED, at_least=False)
    )
    figures.tables["criteria of an issue"] = rows


def _spent_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3

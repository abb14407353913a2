"""Which issues a pull request is about: its words in, issues with how each was found out. Pure.

# spec: GitHub's closing keywords: close[s|d], fix[es|ed], resolve[s|d], an optional colon, then
# `#42`, `GH-42`, `owner/name#42` or the issue's address; each issue needs its own keyword.

What stands in code, quotes or comments links nothing. Beside keywords there are GitHub's own
references, handed in, a line `Criteria: #42, owner/name#7` for links that close nothing, and, when
nothing else speaks, a number at the start of the branch's name.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hookyard.features.checklists.blocks import (
    Block,
    Fence,
    Heading,
    Html,
    ItemList,
    Paragraph,
    Quote,
    Table,
    parse_blocks,
)
from hookyard.features.checklists.model import Confidence
from hookyard.features.checklists.text import bounded, without_code, without_comments
from hookyard.kit.names import MAX_NUMBER

MAX_LINKS = 1_000
MAX_COMMITS = 1_000
GITHUB = ("github.com",)


class LinkKind(StrEnum):
    """How an issue was found: an explicit line, GitHub's own reference, a keyword, the branch."""

    EXPLICIT = "explicit"
    REFERENCE = "reference"
    KEYWORD = "keyword"
    BRANCH = "branch"


@dataclass(frozen=True, slots=True)
class Ref:
    """An issue by its repository ("owner/name") and number."""

    repository: str
    number: int

    @property
    def key(self) -> tuple[str, int]:
        """What it compares by: GitHub's names know no case."""
        return self.repository.lower(), self.number


@dataclass(frozen=True, slots=True)
class PullText:
    """What a pull request says. `references` are GitHub's closingIssuesReferences, `commits` its
    commit messages, `hosts` the hosts whose addresses are GitHub's."""

    repository: str
    title: str = ""
    body: str = ""
    branch: str = ""
    commits: tuple[str, ...] = ()
    references: tuple[Ref, ...] = ()
    hosts: tuple[str, ...] = GITHUB


@dataclass(frozen=True, slots=True)
class Link:
    """One issue a pull request is about. `where` is "body", "title", "commit 2", "branch" or
    "GitHub"; `said` the words that say so, "" for GitHub's own references."""

    repository: str
    number: int
    kind: LinkKind
    confidence: Confidence
    where: str
    said: str


@dataclass(frozen=True, slots=True)
class Links:
    """The issues, surest first; `dropped` counts those beyond MAX_LINKS and commits not read."""

    links: tuple[Link, ...]
    dropped: int = 0


_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}"
# why: ten digits hold every number GitHub gives; a longer run is no number of an issue.
_REF = (
    rf"(?:(?P<repo>{_NAME})?#|[Gg][Hh]-)(?P<number>[0-9]{{1,10}})(?![\w])"
    rf"|https?://(?P<host>[A-Za-z0-9.-]{{1,253}})(?::[0-9]{{1,5}})?/(?P<path>{_NAME})"
    r"/issues/(?P<at>[0-9]{1,10})(?![\w])"
)
_KEYWORD = re.compile(
    r"(?<![\w/#@.-])(?P<said>(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?)"
    rf"(?:[ \t]{{0,9}}:[ \t]{{0,9}}|[ \t]{{1,9}})(?:{_REF}))",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?[*_]{0,3}criteria[*_]{0,3}[ \t]*:[*_]{0,3}[ \t]*(?P<rest>\S.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_ONE = re.compile(_REF)
_BETWEEN = re.compile(r"[ \t]*(?:[,;&]|and\b)?[ \t]*", re.IGNORECASE)
_BRANCH = re.compile(
    r"(?:(?:issues?|gh|bug|bugfix|hotfix|fix|feat|feature|task|ticket|story|chore)[-_#]?)?"
    r"#?(?P<number>[1-9][0-9]{0,9})(?:[-_]\D.*)?",
    re.IGNORECASE,
)
_BRANCH_INSIDE = re.compile(
    r"(?:^|[-_])(?:issue|gh)[-_#]?(?P<number>[1-9][0-9]{0,9})(?![\w.])", re.I
)
_NO_ISSUES = (
    "release",
    "releases",
    "dependabot",
    "renovate",
    "backport",
    "version",
    "gh-readonly-queue",
)
_ORDER = (LinkKind.EXPLICIT, LinkKind.REFERENCE, LinkKind.KEYWORD, LinkKind.BRANCH)
_CONFIDENCES = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


def find_links(pull: PullText) -> Links:
    """Every issue once, by the surest way it was found."""
    best: dict[tuple[str, int], Link] = {}
    for link in _all(pull):
        key = (link.repository.lower(), link.number)
        if key not in best or _rank(link) < _rank(best[key]):
            best[key] = link
    if not best:
        best = {(link.repository.lower(), link.number): link for link in _of_branch(pull)}
    found = sorted(best.values(), key=_rank)
    dropped = max(0, len(found) - MAX_LINKS) + max(0, len(pull.commits) - MAX_COMMITS)
    return Links(tuple(found[:MAX_LINKS]), dropped)


def _rank(link: Link) -> tuple[int, int]:
    return _CONFIDENCES.index(link.confidence), _ORDER.index(link.kind)


def _all(pull: PullText) -> Iterator[Link]:
    for ref in pull.references:
        if 1 <= ref.number <= MAX_NUMBER:
            yield Link(
                ref.repository, ref.number, LinkKind.REFERENCE, Confidence.HIGH, "GitHub", ""
            )
    yield from _of_text(pull, _prose(pull.body), "body", Confidence.HIGH)
    yield from _of_text(pull, [without_code(pull.title[:1000])], "title", Confidence.MEDIUM)
    for number, message in enumerate(pull.commits[:MAX_COMMITS], 1):
        # why: a commit message is no Markdown; indented lines in it are not code.
        flat = "\n".join(line.strip() for line in message[:65_536].split("\n"))
        yield from _of_text(pull, _prose(flat), f"commit {number}", Confidence.MEDIUM)


def _of_text(
    pull: PullText, texts: Iterable[str], where: str, confidence: Confidence
) -> Iterator[Link]:
    for text in texts:
        for line in _EXPLICIT.finditer(text):
            for ref, said in _listed(line["rest"], pull):
                yield Link(
                    ref.repository, ref.number, LinkKind.EXPLICIT, Confidence.HIGH, where, said
                )
        for match in _KEYWORD.finditer(text):
            found = _ref(match, pull)
            if found is not None:
                yield Link(
                    found.repository,
                    found.number,
                    LinkKind.KEYWORD,
                    confidence,
                    where,
                    match["said"],
                )


def _listed(text: str, pull: PullText) -> Iterator[tuple[Ref, str]]:
    """The issues a list begins with; it ends at the first word that is none."""
    at = 0
    while (match := _ONE.match(text, at)) is not None:
        found = _ref(match, pull)
        if found is not None:
            yield found, f"Criteria: {match[0]}"
        between = _BETWEEN.match(text, match.end())
        at = between.end() if between is not None else match.end()


def _ref(match: re.Match[str], pull: PullText) -> Ref | None:
    if match["host"] is not None:
        if match["host"].lower().removeprefix("www.") not in pull.hosts:
            return None
        repository, number = match["path"], int(match["at"])
    else:
        repository, number = match["repo"] or pull.repository, int(match["number"])
    return Ref(repository, number) if 1 <= number <= MAX_NUMBER else None


def _of_branch(pull: PullText) -> Iterator[Link]:
    parts = pull.branch[:255].removeprefix("refs/heads/").split("/")
    if parts[0].lower() in _NO_ISSUES:
        return
    for part in parts:
        match = _BRANCH.fullmatch(part) or _BRANCH_INSIDE.search(part)
        if match is not None and int(match["number"]) <= MAX_NUMBER:
            number = int(match["number"])
            yield Link(
                pull.repository, number, LinkKind.BRANCH, Confidence.LOW, "branch", pull.branch
            )
            return


def _prose(markdown: str) -> Iterator[str]:
    """The texts of a Markdown body that are its author's own words."""
    text, _ = bounded(markdown)
    blocks, _ = parse_blocks(text)
    for part in _texts(blocks):
        yield without_code(without_comments(part)).replace("**", "")


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        match block:
            case Heading() | Paragraph():
                yield block.text
            case ItemList():
                for item in block.items:
                    yield from _texts(item.blocks)
            case Table():
                yield from (cell for row in block.rows for cell in row.cells)
            case Html():
                if not block.text.lstrip()[:5].lower().startswith(("<pre", "<code")):
                    yield block.text
            case Quote() | Fence():
                pass

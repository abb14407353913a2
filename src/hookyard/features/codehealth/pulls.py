"""What is known of a pull request from outside: its commits, and the lines it changes."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from hookyard.adapters.github.paths import repo_path
from hookyard.adapters.github.port import GitHub, GitHubMissing
from hookyard.features.codehealth.model import Changes
from hookyard.kit.json import JsonObject, as_int, as_object, as_text, dig

# why: GitHub lists at most 3,000 files of a pull request.
MAX_FILES = 3_000
ANCESTORS = 50
_HUNK = re.compile(r"@@ -\d{1,9}(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PullFacts:
    """A pull request as it stands: where it starts, where it is, who opened it, what it changes."""

    number: int
    base_sha: str | None
    head_sha: str | None
    author: str | None
    from_fork: bool
    changes: Changes = field(default_factory=Changes)


class Pulls(Protocol):
    """Looks pull requests and commits up. Raises GitHubError as the GitHub port does."""

    async def facts(self, repository: str, number: int) -> PullFacts | None:
        """A pull request; None when there is no such one, or the App does not see it."""
        ...

    async def ancestors(self, repository: str, sha: str) -> tuple[str, ...]:
        """Commits before this one, the nearest first; none where it is not known."""
        ...


class GitHubPulls:
    """Pull requests over REST. `installation_of` finds the installation that sees a repository."""

    def __init__(
        self, github: GitHub, installation_of: Callable[[str], Awaitable[int | None]]
    ) -> None:
        self._github = github
        self._installation_of = installation_of

    async def facts(self, repository: str, number: int) -> PullFacts | None:
        """# spec: GET /repos/{owner}/{repo}/pulls/{pull_number}, and …/files."""
        installation = await self._installation_of(repository)
        if installation is None:
            return None
        path = f"{repo_path(repository)}/pulls/{number}"
        try:
            answer = await self._github.call("GET", path, installation_id=installation)
        except GitHubMissing:
            return None
        pull = as_object(answer.data)
        head_repo, base_repo = dig(pull, "head", "repo", "id"), dig(pull, "base", "repo", "id")
        return PullFacts(
            number=number,
            base_sha=_sha(dig(pull, "base", "sha")),
            head_sha=_sha(dig(pull, "head", "sha")),
            author=as_text(dig(pull, "user", "login")) or None,
            from_fork=head_repo != base_repo,
            changes=await self._changes(path, installation, pull),
        )

    async def ancestors(self, repository: str, sha: str) -> tuple[str, ...]:
        """# spec: GET /repos/{owner}/{repo}/commits?sha=: newest first, the commit itself too."""
        installation = await self._installation_of(repository)
        if installation is None or not _SHA.fullmatch(sha):
            return ()
        pages = self._github.pages(
            f"{repo_path(repository)}/commits",
            installation_id=installation,
            query={"sha": sha},
            limit=ANCESTORS,
        )
        try:
            found = [_sha(one.get("sha")) async for one in pages]
        except GitHubMissing:
            return ()
        return tuple(one for one in found if one is not None and one != sha)

    async def _changes(self, path: str, installation: int, pull: JsonObject) -> Changes:
        files = self._github.pages(f"{path}/files", installation_id=installation, limit=MAX_FILES)
        added, removed = as_int(pull.get("additions")), as_int(pull.get("deletions"))
        lines = None if added is None or removed is None else max(0, added) + max(0, removed)
        try:
            return await measured(files, lines, as_int(pull.get("changed_files")))
        except GitHubMissing:
            return Changes(lines=lines)


async def measured(
    files: AsyncIterator[JsonObject], lines: int | None, expected: int | None
) -> Changes:
    """The changes of listed files; those that are listed without their lines are counted."""
    added: dict[str, frozenset[int]] = {}
    renamed: dict[str, str] = {}
    unmeasured, seen = 0, 0
    async for one in files:
        seen += 1
        name, patch = as_text(one.get("filename")), one.get("patch")
        before = as_text(one.get("previous_filename"))
        if before and one.get("status") == "renamed":
            renamed[name] = before
        if isinstance(patch, str):
            added[name] = added_lines(patch)
        elif as_int(one.get("additions")) or as_int(one.get("changes")) is None:
            unmeasured += 1
    return Changes(lines, added, renamed, unmeasured + max(0, (expected or 0) - seen))


def added_lines(patch: str) -> frozenset[int]:
    """The numbers of the lines a patch adds, as GitHub gives it: hunks without file headers."""
    found: set[int] = set()
    line: int | None = None
    for text in patch.split("\n"):
        hunk = _HUNK.match(text)
        if hunk:
            line = int(hunk.group(1))
        elif line is None:
            continue
        elif text.startswith("+"):
            found.add(line)
            line += 1
        elif not text.startswith(("-", "\\")):
            line += 1
    return frozenset(found)


def _sha(value: object) -> str | None:
    return value if isinstance(value, str) and _SHA.fullmatch(value) else None

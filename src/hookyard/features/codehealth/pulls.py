"""What is known of a pull request from outside: its commits, and the lines it changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hookyard.adapters.github.paths import repo_path
from hookyard.adapters.github.port import GitHub, GitHubMissing
from hookyard.adapters.github.pullfiles import PullFile, PullHead, PullReader
from hookyard.core.publishing.port import InstallationOf
from hookyard.features.codehealth.model import Changes
from hookyard.kit.hunks import read_patch
from hookyard.kit.names import is_sha

ANCESTORS = 50


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

    def __init__(self, github: GitHub, installation_of: InstallationOf) -> None:
        self._github = github
        self._installation_of = installation_of

    async def facts(self, repository: str, number: int) -> PullFacts | None:
        """One pull request and its files."""
        installation = await self._installation_of(repository)
        if installation is None:
            return None
        reader = PullReader(self._github, repository, installation)
        try:
            pull = await reader.head(number)
        except GitHubMissing:
            return None
        return PullFacts(
            number=number,
            base_sha=_sha(pull.base_sha),
            head_sha=_sha(pull.head_sha),
            author=pull.author or None,
            from_fork=pull.from_fork,
            changes=await _changes(reader, pull),
        )

    async def ancestors(self, repository: str, sha: str) -> tuple[str, ...]:
        """# spec: GET /repos/{owner}/{repo}/commits?sha=: newest first, the commit itself too."""
        installation = await self._installation_of(repository)
        if installation is None or not is_sha(sha):
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


async def _changes(reader: PullReader, pull: PullHead) -> Changes:
    added, removed = pull.additions, pull.deletions
    lines = None if added is None or removed is None else max(0, added) + max(0, removed)
    try:
        return measured(await reader.files(pull.number), lines, pull.changed_files)
    except GitHubMissing:
        return Changes(lines=lines)


def measured(files: Sequence[PullFile], lines: int | None, expected: int) -> Changes:
    """The changes of listed files; those that are listed without their lines are counted."""
    return Changes(
        lines,
        {one.path: added_lines(one.patch) for one in files if one.patch is not None},
        {one.path: one.previous for one in files if one.status == "renamed"},
        sum(one.patch is None and one.additions > 0 for one in files)
        + max(0, expected - len(files)),
    )


def added_lines(patch: str) -> frozenset[int]:
    """The numbers of the lines a patch adds, as GitHub gives it: hunks without file headers."""
    hunks, _ = read_patch(patch)
    return frozenset(number for hunk in hunks for number in hunk.added)


def _sha(value: object) -> str | None:
    return value if isinstance(value, str) and is_sha(value) else None

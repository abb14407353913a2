"""What a pull request changes, read over REST: its head, its files, blobs and trees.

Shapes are read narrowly: whatever GitHub leaves out or says otherwise becomes an empty value, and
the caller decides what that is worth.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from hookyard.adapters.github.paths import repo_path, segment
from hookyard.adapters.github.port import GitHub, GitHubMissing
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text, dig

MAX_FILES = 3_000
"""# spec: REST, pulls/{n}/files: at most 3,000 files are listed."""


@dataclass(frozen=True, slots=True)
class PullHead:
    """A pull request as it stands. `changed_files` is GitHub's own count; `author` a login;
    additions and deletions are None where GitHub does not count them."""

    number: int
    base_sha: str
    head_sha: str
    base_repository: str
    head_repository: str
    changed_files: int
    author: str
    additions: int | None
    deletions: int | None

    @property
    def from_fork(self) -> bool:
        """Whether its branch lives in another repository, or in one that is gone."""
        return self.head_repository != self.base_repository


@dataclass(frozen=True, slots=True)
class PullFile:
    """One changed file. `patch` is None where GitHub sends none; `blob` is the new content's sha
    (the old one's, of a removed file)."""

    path: str
    previous: str
    status: str
    additions: int
    deletions: int
    patch: str | None = field(repr=False)
    blob: str


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file in a tree: its blob and size in bytes."""

    sha: str
    size: int


@dataclass(frozen=True, slots=True)
class Tree:
    """Files of a commit by path. `truncated` when GitHub left some out."""

    files: Mapping[str, TreeEntry]
    truncated: bool


class PullReader:
    """Reads pull requests of one repository through one installation. Errors are the port's."""

    def __init__(self, github: GitHub, repository: str, installation_id: int) -> None:
        self._github = github
        self._base = repo_path(repository)
        self._installation_id = installation_id

    async def pull(self, number: int) -> JsonObject:
        """GitHub's object. # spec: GET /repos/{owner}/{repo}/pulls/{pull_number}."""
        return await self._object(f"/pulls/{number}")

    async def head(self, number: int) -> PullHead:
        """What is wanted of it."""
        pull = await self.pull(number)
        return PullHead(
            number=number,
            base_sha=as_text(dig(pull, "base", "sha")),
            head_sha=as_text(dig(pull, "head", "sha")),
            base_repository=as_text(dig(pull, "base", "repo", "full_name")),
            head_repository=as_text(dig(pull, "head", "repo", "full_name")),
            changed_files=as_int(pull.get("changed_files")) or 0,
            author=as_text(dig(pull, "user", "login")),
            additions=as_int(pull.get("additions")),
            deletions=as_int(pull.get("deletions")),
        )

    async def files(self, number: int) -> tuple[PullFile, ...]:
        """# spec: GET /repos/{owner}/{repo}/pulls/{pull_number}/files, all pages."""
        path = f"{self._base}/pulls/{number}/files"
        pages = self._github.pages(path, installation_id=self._installation_id, limit=MAX_FILES)
        return tuple([file_of(item) async for item in pages])

    async def merge_base(self, base_sha: str, head_sha: str) -> str:
        """The commit both come from, against which the files are shown; "" if none is named.

        # spec: GET /repos/{owner}/{repo}/compare/{base}...{head}, merge_base_commit.
        """
        path = f"/compare/{segment(base_sha)}...{segment(head_sha)}"
        compared = await self._object(path, per_page=1)
        return as_text(dig(compared, "merge_base_commit", "sha"))

    async def tree(self, sha: str) -> Tree:
        """# spec: GET /repos/{owner}/{repo}/git/trees/{tree_sha}?recursive=1."""
        found = await self._object(f"/git/trees/{segment(sha)}", recursive=1)
        files = {}
        for item in map(as_object, as_list(found.get("tree"))):
            if item.get("type") == "blob":
                size = as_int(item.get("size")) or 0
                files[as_text(item.get("path"))] = TreeEntry(as_text(item.get("sha")), size)
        return Tree(files, found.get("truncated") is True)

    async def blob(self, sha: str) -> bytes | None:
        """A blob's content; None when there is none of this name, or it is not shown.

        # spec: GET /repos/{owner}/{repo}/git/blobs/{file_sha}, base64, up to 100 MB.
        """
        try:
            found = await self._object(f"/git/blobs/{segment(sha)}")
        except GitHubMissing:
            return None
        if found.get("encoding") != "base64":
            return None
        try:
            return base64.b64decode(as_text(found.get("content")))
        except (binascii.Error, ValueError):
            return None

    async def _object(self, path: str, **query: int) -> JsonObject:
        response = await self._github.call(
            "GET", self._base + path, installation_id=self._installation_id, query=query or None
        )
        return as_object(response.data)


def file_of(item: JsonObject) -> PullFile:
    """One entry of a list of files."""
    patch = item.get("patch")
    path = as_text(item.get("filename"))
    return PullFile(
        path=path,
        previous=as_text(item.get("previous_filename")) or path,
        status=as_text(item.get("status")),
        additions=as_int(item.get("additions")) or 0,
        deletions=as_int(item.get("deletions")) or 0,
        patch=patch if isinstance(patch, str) and patch else None,
        blob=as_text(item.get("sha")),
    )

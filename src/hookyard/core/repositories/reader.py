"""Reads a repository's configuration at a commit, asking GitHub only for what it never read."""

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TypeAlias

from hookyard.adapters.database.port import Database, Unit
from hookyard.adapters.github.paths import repo_path, segment
from hookyard.adapters.github.port import GitHub, GitHubFailed, GitHubMissing, GitHubRefused
from hookyard.core.repositories import store
from hookyard.core.repositories.config import PATHS, ConfigInvalid, RepositoryConfig, parse_config
from hookyard.core.repositories.yamltree import MAX_BYTES
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Invalid
from hookyard.kit.json import JsonObject, as_int, as_object, as_text
from hookyard.kit.names import is_sha

Found: TypeAlias = tuple[str, str, bytes]
_NOTHING: Found = ("", "", b"")
# why: reading YAML takes some 3 ms a KiB, and the event loop should not wait for more of it.
SHORT_FILE = 2 * 1024


@dataclass(frozen=True, slots=True)
class ConfigAt:
    """The configuration at a commit. `path` and `blob_sha` are None where there is no file."""

    commit_sha: str
    path: str | None
    blob_sha: str | None
    config: RepositoryConfig | ConfigInvalid


class ConfigReader:
    """Finds `.hookyard.yml`, or `.testbot.yml` where that is absent, over `defaults`."""

    def __init__(
        self, database: Database, github: GitHub, clock: Clock, defaults: RepositoryConfig
    ) -> None:
        self._database = database
        self._github = github
        self._clock = clock
        self._defaults = defaults

    async def resolve(self, installation_id: int, repository: str, ref: str) -> str:
        """The commit a branch, tag or sha names now; GitHubMissing when it names none.

        # why: GitHub answers 422 for a name without a commit, 409 in a repository without any.
        """
        path = f"{repo_path(repository)}/commits/{segment(ref)}"
        try:
            response = await self._github.call("GET", path, installation_id=installation_id)
        except GitHubRefused as refused:
            if refused.status in (409, 422):
                raise GitHubMissing(refused.status, refused.message) from None
            raise
        sha = as_text(as_object(response.data).get("sha"))
        if not is_sha(sha):
            raise GitHubFailed("GitHub's answer names no commit")
        return sha

    async def at(self, installation_id: int, repository: str, commit_sha: str) -> ConfigAt:
        """The configuration at a full commit sha. Raises what `GitHub.call` raises.

        A commit that GitHub does not show is GitHubMissing, never "no configuration": a rule must
        not fall away because it could not be read.
        """
        if not is_sha(commit_sha):
            raise Invalid("configuration is read at a full commit sha")
        known = await self._database.read(lambda unit: _known(unit, repository, commit_sha))
        if known is not None:
            return await self._configured(commit_sha, *known)
        found = await self._fetch(installation_id, repository, commit_sha)
        now_ms = self._clock.now_ms()
        await self._database.write(
            lambda unit: store.save_config(unit, repository, commit_sha, found, now_ms)
        )
        return await self._configured(commit_sha, *(found or _NOTHING))

    async def at_ref(self, installation_id: int, repository: str, ref: str) -> ConfigAt:
        """The configuration at the commit a branch names now.

        A repository without any commit has the defaults, at the commit "".
        """
        try:
            commit_sha = await self.resolve(installation_id, repository, ref)
        except GitHubMissing as missing:
            if missing.status != 409:
                raise
            return await self._configured("", *_NOTHING)
        return await self.at(installation_id, repository, commit_sha)

    async def _configured(
        self, commit_sha: str, path: str, blob_sha: str, content: bytes
    ) -> ConfigAt:
        if not path:
            return ConfigAt(commit_sha, None, None, self._defaults)
        if len(content) > SHORT_FILE:
            config = await asyncio.to_thread(parse_config, content, path, self._defaults)
        else:
            config = parse_config(content, path, self._defaults)
        return ConfigAt(commit_sha, path, blob_sha, config)

    async def _fetch(self, installation_id: int, repository: str, commit_sha: str) -> Found | None:
        is_visible = False
        for path in PATHS:
            address = f"{repo_path(repository)}/contents/{path}"
            try:
                response = await self._github.call(
                    "GET", address, installation_id=installation_id, query={"ref": commit_sha}
                )
            except GitHubMissing:
                if not is_visible:
                    await self.resolve(installation_id, repository, commit_sha)
                is_visible = True
                continue
            data = as_object(response.data)
            if data.get("type") == "file":
                content = _content(data)
                return path, _blob_sha(data, content), content
        return None


def _known(unit: Unit, repository: str, commit_sha: str) -> Found | None:
    commit = store.get_config_commit(unit, repository, commit_sha)
    if commit is None or not commit[0]:
        return None if commit is None else _NOTHING
    content = store.get_config_blob(unit, commit[1])
    return None if content is None else (*commit, content)


def _content(data: JsonObject) -> bytes:
    """The bytes of a contents answer, cut just above what the parser accepts."""
    if (as_int(data.get("size")) or 0) > MAX_BYTES:
        # why: over 1 MiB GitHub leaves the content out; the parser refuses by size alone.
        return bytes(MAX_BYTES + 1)
    try:
        return base64.b64decode(as_text(data.get("content")))
    except (ValueError, binascii.Error):
        raise GitHubFailed("GitHub's answer holds no readable content") from None


def _blob_sha(data: JsonObject, content: bytes) -> str:
    """Git's name of these very bytes; for a file too large to be kept, the name GitHub gave.

    # why: of a symbolic link GitHub may give the target's bytes under the link's own name.
    """
    if len(content) > MAX_BYTES:
        return as_text(data.get("sha"))
    framed = b"blob %d\0%b" % (len(content), content)
    return hashlib.sha1(framed, usedforsecurity=False).hexdigest()

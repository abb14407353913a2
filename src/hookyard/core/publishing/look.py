"""Looking at GitHub before writing, when an earlier write may have been applied unseen.

Only what this App made counts, so nobody can make us adopt a thing of theirs.
"""

from collections.abc import AsyncIterator, Mapping

from hookyard.adapters.github.port import GitHubMissing
from hookyard.core.publishing import wire
from hookyard.core.publishing.keys import check_name, marked_key, run_external_id
from hookyard.core.publishing.model import (
    AppIdentity,
    CheckRunEffect,
    CommentEffect,
    IssueEffect,
    MessageEffect,
    ReactionEffect,
)
from hookyard.core.publishing.port import GitHubCalls
from hookyard.core.publishing.rows import EffectRow, Seen
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.json import Json, JsonObject, as_int, as_text, dig

SKEW_MS = 300_000
"""How far our clock and GitHub's may be apart, and then some."""
MAX_LOOKED = 10_000


class Looker:
    """Finds what this App already made for an effect."""

    def __init__(self, github: GitHubCalls, app: AppIdentity) -> None:
        self._github = github
        self._app = app

    async def made(self, row: EffectRow, installation_id: int) -> Seen | None:
        """Our comment, check run or issue for this effect, if GitHub shows one."""
        effect = row.effect
        match effect:
            case CommentEffect():
                path = wire.comments_path(effect)
                return await self._marked(row, path, {}, "id", installation_id)
            case IssueEffect():
                query = {"state": "all", "sort": "created", "direction": "desc"}
                path = wire.issues_path(effect)
                return await self._marked(row, path, query, "number", installation_id)
            case CheckRunEffect():
                return await self._run(row, effect, installation_id)
            case ReactionEffect() | MessageEffect():
                return None

    async def counted(self, row: EffectRow, installation_id: int) -> Seen | None:
        """Our check run as it stands, or None when it is gone."""
        effect = row.effect
        if not isinstance(effect, CheckRunEffect) or row.external_id is None:
            return None
        path = f"{wire.runs_path(effect)}/{row.external_id}"
        try:
            answer = await self._github.call("GET", path, installation_id=installation_id)
        except GitHubMissing:
            return None
        return _seen_run(answer.data, row.progress.epoch)

    async def _marked(
        self,
        row: EffectRow,
        path: str,
        query: Mapping[str, str],
        id_field: str,
        installation_id: int,
    ) -> Seen | None:
        if row.intent is not None:
            query = {**query, "since": to_rfc3339(row.intent.at_ms - SKEW_MS)}
        async for item in self._pages(path, query, installation_id):
            number = as_int(item.get(id_field))
            if number is None or item.get("pull_request") is not None:
                continue
            if marked_key(as_text(item.get("body"))) == row.key and self._is_ours(item):
                return Seen(str(number), as_text(item.get("html_url")))
        return None

    async def _run(
        self, row: EffectRow, effect: CheckRunEffect, installation_id: int
    ) -> Seen | None:
        path = f"/repos/{effect.repository}/commits/{effect.head_sha.lower()}/check-runs"
        query: dict[str, str | int] = {
            "check_name": check_name(effect.concern),
            "filter": "all",
            "app_id": self._app.app_id,
        }
        newest: Seen | None = None
        async for item in self._pages(path, query, installation_id):
            epoch = _epoch(row.key, as_text(item.get("external_id")))
            if epoch is None or as_int(dig(item, "app", "id")) not in (None, self._app.app_id):
                continue
            if row.intent is not None and epoch != row.intent.epoch:
                continue
            seen = _seen_run(item, epoch)
            if newest is None or (epoch, int(seen.external_id)) > (
                newest.epoch,
                int(newest.external_id),
            ):
                newest = seen
        return newest

    def _pages(
        self, path: str, query: Mapping[str, str | int], installation_id: int
    ) -> AsyncIterator[JsonObject]:
        return self._github.pages(
            path, installation_id=installation_id, query=query, limit=MAX_LOOKED
        )

    def _is_ours(self, item: JsonObject) -> bool:
        """By the App GitHub names, or by our bot's login where it names none."""
        app_id = as_int(dig(item, "performed_via_github_app", "id"))
        if app_id is not None:
            return app_id == self._app.app_id
        if not self._app.slug or as_text(dig(item, "user", "type")) != "Bot":
            return False
        login = as_text(dig(item, "user", "login"))
        return login.lower() == f"{self._app.slug}[bot]".lower()


def _epoch(key: str, external_id: str) -> int | None:
    """Which of the key's check runs this is, or None when it is not one."""
    if external_id == key:
        return 1
    number = external_id.removeprefix(f"{key}~")
    if number == external_id or not number.isdecimal() or len(number) > 9:
        return None
    epoch = int(number)
    return epoch if run_external_id(key, epoch) == external_id else None


def _seen_run(item: Json, epoch: int) -> Seen:
    return Seen(
        external_id=str(as_int(dig(item, "id")) or 0),
        url=as_text(dig(item, "html_url")),
        epoch=epoch,
        annotations=as_int(dig(item, "output", "annotations_count")) or 0,
        completed=as_text(dig(item, "status")) == "completed",
    )

"""The configured Apps: which of them an installation belongs to, and which to take for an account.

GitHub itself is asked, and its answers kept for a while: an installation is one App's, and on two
hosts two different installations may have one number.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from hookyard.adapters.github.port import GitHubMissing, GitHubRefused
from hookyard.core.tokens.apps_rules import Room, choose, read_place, read_room
from hookyard.core.tokens.minting import AppGitHub
from hookyard.core.tokens.model import InstallationGone, MintRefused, Place, scope_of
from hookyard.core.tokens.service import InstallationTokens
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Invalid, NotFound
from hookyard.kit.json import JsonObject, as_object, as_text

PLACE_MS = 300_000
ABSENT_MS = 30_000
ROOM_MS = 60_000
REMEMBERED = 10_000
_LOOKING = scope_of(None, {"metadata": "read"})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MintingApp:
    """An App that tokens can be had from. `host` is where its API is; `name` is ours for it."""

    id: int
    name: str
    host: str
    github: AppGitHub = field(repr=False)
    tokens: InstallationTokens

    @property
    def key(self) -> str:
        """What its mints are recorded under; two hosts may both have an App 1."""
        return f"{self.id}@{urlsplit(self.host).netloc}"


@dataclass(frozen=True, slots=True)
class _Kept:
    until_ms: int
    places: tuple[tuple[MintingApp, Place], ...]


class Apps:
    """Every configured App. Use it on the event loop."""

    def __init__(self, apps: Sequence[MintingApp], clock: Clock) -> None:
        self.all = tuple(apps)
        self.clock = clock
        self._by_id: OrderedDict[tuple[str, int], _Kept] = OrderedDict()
        self._by_account: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._own: dict[MintingApp, tuple[int, Mapping[str, str]]] = {}
        self._rooms: OrderedDict[tuple[str, int], Room] = OrderedDict()
        self._asking: dict[tuple[str, int | str], asyncio.Task[_Kept]] = {}

    def named(self, name: str) -> tuple[MintingApp, ...]:
        """The Apps of a name, or every one for "". Invalid for a name that none has."""
        found = tuple(app for app in self.all if name in ("", app.name, str(app.id)))
        if not self.all:
            raise NotFound("no GitHub App is configured here", code="no_app")
        if name and not found:
            raise Invalid(f"there is no App {name[:60]!r} here", code="unknown_app")
        return found

    async def of_installation(
        self, installation_id: int, name: str = ""
    ) -> tuple[MintingApp, Place]:
        """The App an installation belongs to, and what GitHub says of it.

        InstallationGone when no App has it; MintRefused when two hosts have the number and no
        App was named.
        """
        found = self._recall(self._by_id, (name, installation_id))
        if found is None:
            path = f"/app/installations/{installation_id}"
            found = await self._ask((name, installation_id), path)
            self._remember(self._by_id, (name, installation_id), found)
        if not found.places:
            raise InstallationGone(installation_id, "gone", 404, "no App has this installation")
        if len(found.places) > 1:
            names = ", ".join(sorted(app.name for app, _ in found.places))
            raise MintRefused(
                f"several Apps have an installation {installation_id}: name one ({names})",
                code="ambiguous_app",
            )
        return found.places[0]

    async def of_account(
        self, account: str, name: str = "", *, writes_checks: bool = False
    ) -> tuple[MintingApp, Place]:
        """The App to take for an account: the one whose budget there has the most room left.

        Check runs stay with the first App, since only the App that made one may change it.
        NotFound when none is installed there.
        """
        key = (name, account.lower())
        found = self._recall(self._by_account, key)
        if found is None:
            found = await self._ask(key, f"/users/{account}/installation")
            self._remember(self._by_account, key, found)
        if not found.places:
            raise NotFound(f"no App is installed on {account}", code="not_installed")
        if len(found.places) == 1:
            return found.places[0]
        rooms = await asyncio.gather(*(self._room(app, place) for app, place in found.places))
        return found.places[choose(rooms, sticky=writes_checks)]

    def forget(self, installation_id: int) -> None:
        """An installation changed: GitHub is asked anew, and its tokens go."""
        self.outdated(installation_id)
        for app in self.all:
            app.tokens.forget(installation_id)

    def outdated(self, installation_id: int) -> None:
        """What is known of an installation is not so any more: GitHub is asked anew."""
        for key in [key for key in self._by_id if key[1] == installation_id]:
            del self._by_id[key]
        for account in [
            account
            for account, kept in self._by_account.items()
            if not kept.places or any(p.installation_id == installation_id for _, p in kept.places)
        ]:
            del self._by_account[account]
        self._own.clear()

    def saw(self, app_key: str, installation_id: int, room: Room) -> None:
        """What an answer of GitHub said of an installation's budget."""
        self._rooms[(app_key, installation_id)] = room
        self._rooms.move_to_end((app_key, installation_id))
        while len(self._rooms) > REMEMBERED:
            self._rooms.popitem(last=False)

    # --- inside ---

    async def _ask(self, key: tuple[str, int | str], path: str) -> _Kept:
        """Ask every App in question, once however many want to know."""
        task = self._asking.get(key)
        if task is None:
            task = asyncio.ensure_future(self._asked(key[0], path))
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _asked(self, name: str, path: str) -> _Kept:
        places: list[tuple[MintingApp, Place]] = []
        for app in self.named(name):
            answer = await self._get(app, path)
            place = None if answer is None else read_place(answer, await self._own_rights(app))
            if place is not None:
                places.append((app, place))
        life_ms = PLACE_MS if places else ABSENT_MS
        return _Kept(self.clock.now_ms() + life_ms, tuple(places))

    async def _get(self, app: MintingApp, path: str) -> JsonObject | None:
        try:
            return as_object((await app.github.call("GET", path)).data)
        except GitHubMissing:
            return None

    async def _own_rights(self, app: MintingApp) -> Mapping[str, str]:
        """The permissions the App itself asks of every installation."""
        known = self._own.get(app)
        if known is not None and self.clock.now_ms() < known[0]:
            return known[1]
        try:
            answer = as_object((await app.github.call("GET", "/app")).data)
        except GitHubRefused:
            answer = {}
        rights = {n: as_text(a) for n, a in as_object(answer.get("permissions")).items()}
        self._own[app] = (self.clock.now_ms() + PLACE_MS, rights)
        return rights

    async def _room(self, app: MintingApp, place: Place) -> Room | None:
        """How much is left of an installation's budget, as GitHub said at most a minute ago."""
        known = self._rooms.get((app.key, place.installation_id))
        if known is not None and self.clock.now_ms() - known.seen_at_ms < ROOM_MS:
            return known
        # spec: docs.github.com, REST "Rate limit": reading the limit costs nothing of it.
        token = await app.tokens.token(place.installation_id, _LOOKING)
        try:
            answer = await app.github.as_token(token.value).call("GET", "/rate_limit")
        except GitHubRefused:
            return None
        room = read_room(as_object(answer.data), self.clock.now_ms())
        if room is not None:
            self.saw(app.key, place.installation_id, room)
        return room

    def _recall(self, kept: OrderedDict[T, _Kept], key: T) -> _Kept | None:
        found = kept.get(key)
        if found is None or self.clock.now_ms() >= found.until_ms:
            return None
        return found

    def _remember(self, kept: OrderedDict[T, _Kept], key: T, found: _Kept) -> None:
        kept[key] = found
        kept.move_to_end(key)
        while len(kept) > REMEMBERED:
            kept.popitem(last=False)

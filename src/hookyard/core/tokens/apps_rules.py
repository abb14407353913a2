"""Which App to take for an account, and reading what GitHub says of an installation; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hookyard.core.tokens.model import Place
from hookyard.kit.json import JsonObject, as_int, as_object, as_text, dig


@dataclass(frozen=True, slots=True)
class Room:
    """What is left of an installation's hourly budget, as GitHub said at an instant."""

    remaining: int
    limit: int
    seen_at_ms: int

    @property
    def share(self) -> float:
        """The part that is left, 0 to 1."""
        return max(0.0, min(1.0, self.remaining / self.limit)) if self.limit > 0 else 1.0


def read_room(answer: JsonObject, now_ms: int) -> Room | None:
    """The core budget in an answer of `GET /rate_limit`; None where there is none."""
    remaining = as_int(dig(answer, "resources", "core", "remaining"))
    limit = as_int(dig(answer, "resources", "core", "limit"))
    return None if remaining is None or limit is None else Room(remaining, limit, now_ms)


def choose(rooms: Sequence[Room | None], *, sticky: bool) -> int:
    """The place of the one to take: the most room left, the first of equals.

    An unknown budget counts as whole: GitHub Enterprise Server has no limits unless its owner sets
    some. `sticky` always takes the first.
    """
    if sticky:
        return 0
    shares = [1.0 if room is None else room.share for room in rooms]
    return shares.index(max(shares))


def read_place(answer: JsonObject, app_permissions: Mapping[str, str]) -> Place | None:
    """An installation out of GitHub's answer; None when it is none."""
    number, app_id = as_int(answer.get("id")), as_int(answer.get("app_id"))
    account = as_text(dig(answer, "account", "login")) or as_text(dig(answer, "account", "slug"))
    if number is None or app_id is None or not account:
        return None
    granted = as_object(answer.get("permissions"))
    return Place(
        installation_id=number,
        app_id=app_id,
        account=account,
        granted={name: as_text(access) for name, access in granted.items()},
        app_permissions=app_permissions,
    )

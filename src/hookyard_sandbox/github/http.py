"""One call as routes see it, their answer, and GitHub's refusals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.model import (
    LEVELS,
    Actor,
    App,
    HookDelivery,
    Issue,
    Repository,
    Token,
    User,
)
from hookyard_sandbox.github.state import World

DOCS = "https://docs.github.com/rest"
# why: GitHub refuses longer texts of issues, comments and check runs.
MAX_TEXT = 65_535
Body = TypeVar("Body", bound=msgspec.Struct)
Item = TypeVar("Item")


class Refusal(Exception):
    """A refusal with GitHub's status and message."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        super().__init__(f"{status}: {message}")

    def shape(self) -> JsonObject:
        """The body of the refusal."""
        shape: dict[str, Json] = {"message": self.message}
        if self.errors is not None:
            shape["errors"] = self.errors
        return shape | {"documentation_url": DOCS, "status": str(self.status)}


def not_found() -> Refusal:
    """404, also for what the caller may not know of."""
    return Refusal(404, "Not Found")


def not_permitted() -> Refusal:
    """403 for a permission the installation or token lacks."""
    return Refusal(403, "Resource not accessible by integration")


def invalid(resource: str, fieldname: str, code: str = "invalid", text: str = "") -> Refusal:
    """422 that names one field."""
    error: dict[str, Json] = {"resource": resource, "code": code, "field": fieldname}
    if text:
        error["message"] = text
    return Refusal(422, "Validation Failed", errors=[error])


def schema_error(text: str) -> Refusal:
    """422 for a body that does not match the operation's schema."""
    return Refusal(422, f"Invalid request.\n\n{text}")


def check_text(resource: str, fieldname: str, text: str | None) -> None:
    """Refuse a text over GitHub's limit."""
    if text is not None and len(text) > MAX_TEXT:
        said = f"{fieldname} is too long (maximum is 65536 characters)"
        raise invalid(resource, fieldname, "custom", said)


@dataclass(slots=True)
class Answer:
    """Status and JSON, or raw bytes of another type; None is an empty body."""

    status: int = 200
    data: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json; charset=utf-8"


@dataclass(slots=True)
class Call:
    """A request that passed authentication and limits. `api` is the API root it came through."""

    world: World
    method: str
    path: str
    api: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    app: App | None = None
    token: Token | None = None
    person: User | None = None
    found: Repository | None = None
    resend: Callable[[HookDelivery], None] | None = None
    rate: Mapping[str, int] = field(default_factory=dict)

    @property
    def repository(self) -> Repository:
        """The repository the path names; only on routes that name one."""
        if self.found is None:
            raise not_found()
        return self.found

    @property
    def caller(self) -> App:
        """The App that calls, with its JWT or with an installation token."""
        if self.app is None:
            raise Refusal(401, "Requires authentication")
        return self.app

    @property
    def actor(self) -> Actor:
        """The App's bot, acting through its installation."""
        installation = self.token.installation if self.token else None
        return Actor(self.caller.bot, self.caller, installation, self.token)

    def may(self, name: str, level: str) -> bool:
        """Whether the token still has a permission at a level."""
        return self.token is not None and has(self.token, name, level)

    def read(self, kind: type[Body]) -> Body:
        """The body as a typed value; 400 or 422 when it cannot be."""
        content = self.content.strip() or b"{}"
        try:
            decoded = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(decoded, dict):
            raise Refusal(400, "Body should be a JSON object")
        try:
            return msgspec.convert(decoded, kind)
        except msgspec.ValidationError as error:
            raise schema_error(str(error)) from None

    def number(self, name: str) -> int:
        """An integer of the path; 404 when it is none."""
        text = self.params[name]
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise not_found()
        return int(text)

    def issue(self, level: str = "read") -> Issue:
        """The issue of the path; on a plain issue the `issues` permission is needed."""
        one = self.repository.issues.get(self.number("number"))
        if one is None:
            raise not_found()
        if one.pull is None and not self.may("issues", level):
            raise not_permitted()
        return one

    def page(
        self,
        items: Sequence[Item],
        show: Callable[[Item], Json],
        wrap: str | None = None,
    ) -> Answer:
        """A page of a list: 30 items or `per_page` up to 100, with GitHub's Link header."""
        size = min(100, max(1, _natural(self.query.get("per_page"), 30)))
        last = max(1, -(-len(items) // size))
        here = max(1, _natural(self.query.get("page"), 1))
        shown: list[Json] = [show(item) for item in items[(here - 1) * size : here * size]]
        pages = {"prev": here - 1, "next": here + 1, "last": last, "first": 1}
        if here >= last:
            pages = {"prev": min(here - 1, last), "first": 1} if here > 1 else {}
        elif here == 1:
            pages = {"next": 2, "last": last}
        links = [f'<{self._page_url(page)}>; rel="{rel}"' for rel, page in pages.items()]
        headers = {"Link": ", ".join(links)} if links else {}
        if wrap is None:
            return Answer(200, shown, headers)
        return Answer(200, {"total_count": len(items), wrap: shown}, headers)

    def _page_url(self, page: int) -> str:
        path = self.path
        if self.found is not None:
            # why: GitHub's links name a repository by its id, so that they outlive a renaming.
            rest = path.split("/", 4)[4:]
            path = "/".join(["/repositories", str(self.found.id), *rest])
        return f"{self.api}{path}?{urlencode({**self.query, 'page': str(page)})}"


def _natural(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def has(token: Token, name: str, level: str) -> bool:
    """Whether token and installation both still have a permission at a level."""
    # spec: every installation may read metadata.
    if name == "metadata" and level == "read":
        return True
    least = LEVELS[level]
    held = (token.permissions.get(name), token.installation.permissions.get(name))
    return all(LEVELS.get(value or "", 0) >= least for value in held)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route: who may call it (`auth` is app, installation, user, basic or any) and what it needs.

    `needs` are alternatives `(permission, level)`; one of them is enough. `content` marks what
    counts against the limit on content creation.
    """

    method: str
    path: str
    handler: Handler
    auth: str = "installation"
    needs: tuple[tuple[str, str], ...] = ()
    content: bool = False

"""The website's part in registering an App from a manifest: the page, and its one-time code.

# spec: docs.github.com, "Registering a GitHub App from a manifest": the form's `manifest` is
JSON; who confirms is sent back to its `redirect_url` with a code for one hour and the state.
"""

import html
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from hookyard_sandbox.github import repochanges
from hookyard_sandbox.github.appkeys import new_private_key, public_half
from hookyard_sandbox.github.model import HookConfig, Permissions, Registered
from hookyard_sandbox.github.state import World

CODE_LIFE_MS = 3_600_000
MAX_NAME = 34
_NEEDS: Mapping[str, frozenset[str]] = {
    "check_run": frozenset({"checks"}),
    "check_suite": frozenset({"checks"}),
    "issue_comment": frozenset({"issues", "pull_requests"}),
    "issues": frozenset({"issues"}),
    "member": frozenset({"members"}),
    "membership": frozenset({"members"}),
    "merge_group": frozenset({"merge_queues"}),
    "organization": frozenset({"members"}),
    "pull_request": frozenset({"pull_requests"}),
    "pull_request_review": frozenset({"pull_requests"}),
    "pull_request_review_comment": frozenset({"pull_requests"}),
    "push": frozenset({"contents"}),
    "repository": frozenset({"metadata"}),
    "team": frozenset({"members"}),
    "team_add": frozenset({"members"}),
    "workflow_run": frozenset({"actions"}),
}
"""Events one may ask for, and the permissions of which one is needed."""


class Hook(msgspec.Struct, forbid_unknown_fields=True):
    """The webhook of a manifest."""

    url: str
    active: bool = True


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """A manifest, as GitHub's page takes it."""

    url: str
    redirect_url: str
    hook_attributes: Hook
    name: str = ""
    description: str = ""
    callback_urls: list[str] = []
    setup_url: str = ""
    public: bool = False
    request_oauth_on_install: bool = False
    setup_on_update: bool = False
    default_permissions: dict[str, str] = {}
    default_events: list[str] = []


class RegistrationPages:
    """The pages. Nobody signs in here: whoever comes is the owner of the account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages: dict[str, tuple[Manifest, str, str]] = {}

    async def show(self, request: Request) -> Response:
        """`POST /settings/apps/new?state=…`, also under `/organizations/{org}`: the page that
        asks whether to."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        try:
            manifest = msgspec.json.decode(form.get("manifest", [""])[0], type=Manifest)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            return _invalid(str(error))
        owner = request.path_params.get("org", "octocat")
        problem = _problem(manifest, self._world)
        if problem:
            return _invalid(problem)
        ticket = secrets.token_hex(10)
        with self._world.lock:
            state = request.query_params.get("state", "")
            self._pages[ticket] = (manifest, owner, state)
        rows = "".join(
            f"<li>{html.escape(name)}: {html.escape(level)}</li>"
            for name, level in manifest.default_permissions.items()
        )
        return HTMLResponse(
            f"<!doctype html><title>Simulated GitHub</title><h1>Create {html.escape(manifest.name)}"
            f"</h1><ul>{rows}</ul><form method=post action=/settings/apps/manifest>"
            f"<input type=hidden name=ticket value={ticket}><button>Create</button></form>"
        )

    async def confirm(self, request: Request) -> Response:
        """`POST /settings/apps/manifest`: the App is made, and the browser sent back."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        ticket = form.get("ticket", [""])[0]
        with self._world.lock:
            kept = self._pages.pop(ticket, None)
            if kept is None:
                return HTMLResponse("<h1>404</h1>", 404)
            manifest, owner, state = kept
            code = self._register(manifest, owner)
        parts = urlsplit(manifest.redirect_url)
        query = urlencode([*parse_qsl(parts.query), ("code", code), ("state", state)])
        return RedirectResponse(urlunsplit(parts._replace(query=query)), 302)

    def _register(self, manifest: Manifest, owner: str) -> str:
        private_key, secret = new_private_key(), secrets.token_hex(20)
        permissions: Permissions = {"metadata": "read", **manifest.default_permissions}
        app = self._world.add_app(
            public_half(private_key),
            name=manifest.name,
            owner=owner,
            permissions=permissions,
            events=manifest.default_events,
            hook=HookConfig(manifest.hook_attributes.url, secret),
        )
        app.callback_urls = list(manifest.callback_urls)
        repochanges.ping(self._world, app)
        code = secrets.token_hex(20)
        expires = self._world.now_ms() + CODE_LIFE_MS
        self._world.registrations[code] = Registered(app, private_key, secret, expires)
        return code


def _problem(manifest: Manifest, world: World) -> str:
    if not 0 < len(manifest.name) <= MAX_NAME:
        return f"name must have 1 to {MAX_NAME} characters"
    if any(app.name.lower() == manifest.name.lower() for app in world.apps.values()):
        return "name has already been taken"
    for url in (manifest.url, manifest.redirect_url, manifest.hook_attributes.url):
        if urlsplit(url).scheme not in ("http", "https"):
            return f"{url!r} is not a URL"
    held = {"metadata", *manifest.default_permissions}
    for event in manifest.default_events:
        needed = _NEEDS.get(event)
        if needed is None:
            return f"default events: {event} is not supported"
        if not needed & held:
            return f"default events: {event} is not supported by the permissions"
    return ""


def _invalid(text: str) -> Response:
    page = "<!doctype html><title>Simulated GitHub</title><h1>Invalid manifest</h1>"
    return HTMLResponse(f"{page}<p>{html.escape(text)}</p>", 422)


def routes(world: World) -> list[Route]:
    """The pages of a world."""
    pages = RegistrationPages(world)
    return [
        Route("/settings/apps/new", pages.show, methods=["POST"]),
        Route("/organizations/{org}/settings/apps/new", pages.show, methods=["POST"]),
        Route("/settings/apps/manifest", pages.confirm, methods=["POST"]),
    ]

"""The world: accounts, Apps, installations, repositories, and what has happened in it.

Every change goes through a method here or in `changes.py`, which writes one line of history, so a
test can prove that something landed once. The lock makes the world usable from several threads.
"""

import secrets
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hookyard.kit.clock import Clock
from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github import gitobjects
from hookyard_sandbox.github.model import (
    Actor,
    App,
    Code,
    Commit,
    HookConfig,
    HookDelivery,
    Installation,
    Permissions,
    PlainHook,
    Repository,
    Team,
    Token,
    User,
    UserToken,
)

DEFAULT_PERMISSIONS: Permissions = {
    "actions": "read",
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "members": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
DEFAULT_EVENTS = [
    "check_run",
    "check_suite",
    "issue_comment",
    "issues",
    "membership",
    "merge_group",
    "organization",
    "pull_request",
    "push",
    "repository",
    "team",
    "workflow_run",
]


@dataclass(slots=True)
class World:
    """Everything the simulated GitHub knows. `emit` is called with each event (see webhooks).

    `browsing` is who is signed in at the website, in the one browser there is. `org_members` maps
    organisations to logins and their roles. `downloads` maps the keys of short-lived addresses to
    the instant they end and the bytes behind them. `tree_limit` is how many entries a recursive
    tree shows. `tells_inherited`: lists of teams say who is there only through a child team.
    """

    clock: Clock
    api_url: str = "http://127.0.0.1"
    stateless_tokens: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: dict[str, User] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    deliveries: deque[HookDelivery] = field(default_factory=deque)
    plain_hooks: dict[int, PlainHook] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    user_tokens: dict[str, UserToken] = field(default_factory=dict)
    tree_limit: int = 100_000
    downloads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    browsing: User | None = None
    teams: dict[tuple[str, str], Team] = field(default_factory=dict)
    org_members: dict[str, dict[str, str]] = field(default_factory=dict)
    tells_inherited: bool = True
    history: list[JsonObject] = field(default_factory=list)
    emit: Callable[[App, Installation | None, str, JsonObject], None] | None = None
    _last_id: int = 1000

    def new_id(self) -> int:
        """A number no other thing in this world has."""
        self._last_id += 1
        return self._last_id

    def now_ms(self) -> int:
        """The world's own time."""
        return self.clock.now_ms()

    def record(self, kind: str, action: str, actor: Actor | None = None, **facts: Json) -> None:
        """One line of history: `kind` and `action` say what was done, `facts` to what."""
        line: dict[str, Json] = {"n": len(self.history) + 1, "at_ms": self.now_ms()}
        line |= {"kind": kind, "action": action}
        if actor is not None:
            line |= {"by": actor.user.login, "app_id": actor.app.id if actor.app else None}
        self.history.append(line | facts)

    def user(self, login: str, kind: str = "User") -> User:
        """The account of this name, made when it does not exist."""
        known = self.users.get(login.lower())
        if known is None:
            known = User(self.new_id(), login, kind)
            self.users[login.lower()] = known
        return known

    def add_app(
        self,
        public_key: str,
        *,
        name: str = "Hookyard",
        owner: str = "acme",
        permissions: Permissions | None = None,
        events: list[str] | None = None,
        hook: HookConfig | None = None,
    ) -> App:
        """Register an App whose JWTs this PEM public key verifies."""
        slug = name.lower().replace(" ", "-")
        app = App(
            id=self.new_id(),
            slug=slug,
            name=name,
            client_id="Iv23li" + secrets.token_hex(7),
            owner=self.user(owner, "Organization"),
            bot=self.user(f"{slug}[bot]", "Bot"),
            public_keys=[public_key],
            permissions=dict(permissions or DEFAULT_PERMISSIONS),
            events=list(events or DEFAULT_EVENTS),
            created_at_ms=self.now_ms(),
            hook_id=self.new_id(),
            hook=hook or HookConfig(),
            client_secret=secrets.token_hex(20),
        )
        self.apps[app.id] = app
        return app

    def find_app(self, issuer: str | int) -> App | None:
        """The App of a JWT's `iss`: its id or its client id."""
        for app in self.apps.values():
            if str(issuer) in (str(app.id), app.client_id):
                return app
        return None

    def add_repository(
        self,
        full_name: str,
        *,
        private: bool = True,
        files: Mapping[str, str | bytes] | None = None,
        default_branch: str = "main",
        owner_kind: str = "Organization",
        description: str | None = None,
    ) -> Repository:
        """A repository with one commit that holds these files."""
        owner, _, name = full_name.partition("/")
        repository = Repository(
            id=self.new_id(),
            owner=self.user(owner, owner_kind),
            name=name,
            private=private,
            default_branch=default_branch,
            description=description,
            created_at_ms=self.now_ms(),
        )
        self.repositories[full_name.lower()] = repository
        self.commit(repository, default_branch, files or {"README.md": f"# {name}\n"}, "first")
        return repository

    def commit(
        self,
        repository: Repository,
        branch: str,
        files: Mapping[str, str | bytes | None],
        message: str,
        author: str = "octocat",
        *,
        start: str | None = None,
    ) -> Commit:
        """Write files on a branch, which is made from `start` or the default branch if new.

        A file whose content is None is removed.
        """
        tip = repository.branches.get(branch) or start
        tip = tip or repository.branches.get(repository.default_branch)
        before = repository.commits[tip] if tip else None
        tree = dict(before.tree) if before else {}
        for path, content in files.items():
            if content is None:
                tree.pop(path, None)
                continue
            data = content.encode() if isinstance(content, str) else content
            blob = gitobjects.blob_id(data)
            repository.blobs[blob] = data
            tree[path] = blob
        parents = (before.sha,) if before else ()
        root, at = gitobjects.tree_id(tree), self.now_ms()
        sha = gitobjects.commit_id(root, parents, author, message, at)
        commit = Commit(sha, root, message, author, parents, tree, at)
        repository.commits[sha] = commit
        repository.branches[branch] = sha
        for issue in repository.issues.values():
            pull = issue.pull
            if pull and pull.head_ref == branch and pull.head_repository == repository.full_name:
                pull.head_sha = sha
        return commit

    def install(
        self,
        app: App,
        account: str,
        *,
        repositories: list[str] | None = None,
        permissions: Permissions | None = None,
    ) -> Installation:
        """Install an App on an account, on all its repositories or on those named."""
        ids = None
        if repositories is not None:
            ids = {self.repositories[name.lower()].id for name in repositories}
        now = self.now_ms()
        installation = Installation(
            id=self.new_id(),
            app=app,
            account=self.user(account, "Organization"),
            permissions=dict(permissions if permissions is not None else app.permissions),
            events=list(app.events),
            created_at_ms=now,
            updated_at_ms=now,
            repository_ids=ids,
        )
        self.installations[installation.id] = installation
        return installation

    def repositories_of(self, installation: Installation) -> list[Repository]:
        """The repositories an installation reaches, oldest first."""
        mine = [r for r in self.repositories.values() if r.owner is installation.account]
        ids = installation.repository_ids
        return [r for r in mine if ids is None or r.id in ids]

    def installations_on(self, repository: Repository) -> list[Installation]:
        """Live installations that reach a repository."""
        return [
            i
            for i in self.installations.values()
            if not i.removed and i.suspended_at_ms is None and repository in self.repositories_of(i)
        ]

    def repository_by_id(self, repository_id: int) -> Repository | None:
        """The repository of this id."""
        found = (r for r in self.repositories.values() if r.id == repository_id)
        return next(found, None)

    def next_number(self, repository: Repository) -> int:
        """The next issue or pull request number."""
        return max(repository.issues, default=0) + 1

    def permission_of(self, repository: Repository, login: str) -> str:
        """`admin`, `write`, `read` or `none`; roles triage and maintain fold as on GitHub."""
        role = self.role_of(repository, login)
        return {"maintain": "write", "triage": "read"}.get(role, role)

    def role_of(self, repository: Repository, login: str) -> str:
        """The role name: admin, maintain, write, triage, read or none."""
        if login.lower() == repository.owner.login.lower():
            return "admin"
        named = repository.collaborators.get(login.lower())
        return named or ("none" if repository.private else "read")

    def association(self, repository: Repository, user: User) -> str:
        """GitHub's `author_association` of a person with a repository."""
        if user is repository.owner:
            return "OWNER"
        return "COLLABORATOR" if user.login.lower() in repository.collaborators else "NONE"

    def team_members(self, team: Team) -> dict[str, bool]:
        """Logins of a team, lower case, and whether each is there only through a child team."""
        found = dict.fromkeys(team.members, False)
        for child in self.teams.values():
            if child.parent is team:
                for login in self.team_members(child):
                    found.setdefault(login, True)
        return found

    def announce_org(self, event: str, org: User, payload: JsonObject) -> None:
        """Send an organisation's event to every App installed there that subscribes to it."""
        if self.emit is None:
            return
        for installation in self.installations.values():
            live = not installation.removed and installation.suspended_at_ms is None
            if live and installation.account is org and event in installation.events:
                self.emit(installation.app, installation, event, payload)

    def announce(self, event: str, repository: Repository, payload: JsonObject) -> None:
        """Send a repository event to every App installed there that subscribes to it."""
        if self.emit is None:
            return
        for installation in self.installations_on(repository):
            if event in installation.events:
                self.emit(installation.app, installation, event, payload)


def new_guid() -> str:
    """A delivery's guid, as in `X-GitHub-Delivery`."""
    return str(uuid.uuid4())

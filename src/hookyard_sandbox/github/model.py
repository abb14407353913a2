"""What the simulated world consists of. Mutable on purpose: this is the database of a fake."""

from dataclasses import dataclass, field

Permissions = dict[str, str]
LEVELS = {"read": 1, "write": 2, "admin": 3}
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


@dataclass(slots=True, eq=False)
class User:
    """An account; `kind` is User, Organization or Bot."""

    id: int
    login: str
    kind: str = "User"
    name: str | None = None
    email: str | None = None


@dataclass(slots=True, eq=False)
class HookConfig:
    """Where an App's webhooks go. An empty url sends nothing."""

    url: str = ""
    secret: str = field(default="", repr=False)
    content_type: str = "json"
    insecure_ssl: str = "0"


@dataclass(slots=True, eq=False)
class App:
    """A GitHub App. `public_keys` are PEM texts; any of them verifies its JWTs."""

    id: int
    slug: str
    name: str
    client_id: str
    owner: User
    bot: User
    public_keys: list[str]
    permissions: Permissions
    events: list[str]
    created_at_ms: int
    hook_id: int
    hook: HookConfig = field(default_factory=HookConfig)
    client_secret: str = field(default="", repr=False)
    callback_urls: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Registered:
    """An App that was registered from a manifest, with what its code gives, once."""

    app: App
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    expires_at_ms: int


@dataclass(slots=True, eq=False)
class Code:
    """A code a browser brings back from the authorize page; good once, for ten minutes."""

    value: str = field(repr=False)
    app: App
    user: User
    redirect_uri: str
    challenge: str
    expires_at_ms: int


@dataclass(slots=True, eq=False)
class UserToken:
    """A person's token for an App."""

    value: str = field(repr=False)
    app: App
    user: User
    expires_at_ms: int
    revoked: bool = False


@dataclass(slots=True, eq=False)
class Team:
    """A team of an organisation. `members` maps logins, lower case, to member or maintainer; they
    are the direct ones."""

    id: int
    org: User
    name: str
    slug: str
    created_at_ms: int
    parent: "Team | None" = None
    members: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Installation:
    """An App on an account. `repository_ids` None means all repositories of the account."""

    id: int
    app: App
    account: User
    permissions: Permissions
    events: list[str]
    created_at_ms: int
    updated_at_ms: int
    repository_ids: set[int] | None = None
    suspended_at_ms: int | None = None
    removed: bool = False


@dataclass(slots=True, eq=False)
class Token:
    """An installation access token; `repository_ids` None means what the installation has."""

    value: str = field(repr=False)
    installation: Installation
    permissions: Permissions
    repository_ids: set[int] | None
    expires_at_ms: int
    revoked: bool = False


@dataclass(slots=True, eq=False)
class Commit:
    """A commit; `tree` maps each path to its blob sha."""

    sha: str
    tree_sha: str
    message: str
    author: str
    parents: tuple[str, ...]
    tree: dict[str, str]
    at_ms: int


@dataclass(slots=True, eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(slots=True, eq=False)
class Reaction:
    """One person's reaction to an issue or comment."""

    id: int
    user: User
    content: str
    created_at_ms: int


@dataclass(slots=True, eq=False)
class Comment:
    """A comment on an issue or pull request; `app` is the App that wrote it, if one did."""

    id: int
    number: int
    user: User
    body: str
    created_at_ms: int
    updated_at_ms: int
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Pull:
    """The half of a pull request that an issue does not have."""

    id: int
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    head_repository: str
    draft: bool = False
    merged_at_ms: int | None = None
    linked: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Issue:
    """An issue, or a pull request when `pull` is set."""

    id: int
    number: int
    title: str
    body: str | None
    user: User
    created_at_ms: int
    updated_at_ms: int
    state: str = "open"
    state_reason: str | None = None
    closed_at_ms: int | None = None
    closed_by: User | None = None
    app: App | None = None
    pull: Pull | None = None
    locked: bool = False
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Annotation:
    """A remark of a check run on lines of a file."""

    path: str
    start_line: int
    end_line: int
    annotation_level: str
    message: str
    title: str | None = None
    raw_details: str | None = None
    start_column: int | None = None
    end_column: int | None = None


@dataclass(slots=True, eq=False)
class CheckRun:
    """A check run of an App on a commit."""

    id: int
    suite_id: int
    app: App
    head_sha: str
    name: str
    external_id: str
    details_url: str
    status: str
    conclusion: str | None
    started_at_ms: int
    completed_at_ms: int | None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[Annotation] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Status:
    """A commit status."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User
    created_at_ms: int


@dataclass(slots=True, eq=False)
class Artifact:
    """A zip that a workflow run left behind."""

    id: int
    name: str
    data: bytes = field(repr=False)
    digest: str
    created_at_ms: int
    expired: bool = False


@dataclass(slots=True, eq=False)
class WorkflowRun:
    """A run of a workflow. `attempt` counts its tries; `pulls` are of this repository only."""

    id: int
    number: int
    name: str
    path: str
    event: str
    head_branch: str
    head_sha: str
    head_repository: str
    actor: User
    suite_id: int
    created_at_ms: int
    started_at_ms: int
    updated_at_ms: int
    attempt: int = 1
    status: str = "in_progress"
    conclusion: str | None = None
    pulls: tuple[int, ...] = ()
    artifacts: list[Artifact] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Repository:
    """A repository with everything in it."""

    id: int
    owner: User
    name: str
    private: bool
    default_branch: str
    description: str | None
    created_at_ms: int
    archived: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    collaborators: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    suites: dict[tuple[int, str], int] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    runs: dict[int, WorkflowRun] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"


@dataclass(slots=True, eq=False)
class PlainHook:
    """A webhook of a repository or an organisation; `owner` is `acme/shop` or `acme`."""

    id: int
    owner: str
    target_type: str
    target_id: int
    config: HookConfig
    events: list[str]
    created_at_ms: int


@dataclass(slots=True, eq=False)
class HookDelivery:
    """One attempt to deliver a webhook; a redelivery has its own id and the same guid.

    It is of the App's own hook, or of a `plain` one.
    """

    id: int
    guid: str
    app: App | None
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    delivered_at_ms: int
    headers: dict[str, str]
    body: bytes
    redelivery: bool = False
    status_code: int = 0
    status: str = "pending"
    duration_s: float = 0.0
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""
    plain: PlainHook | None = None

    @property
    def config(self) -> HookConfig:
        """Where it goes, and signed with what."""
        if self.plain is not None:
            return self.plain.config
        return HookConfig() if self.app is None else self.app.hook


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, or an App through one of its installations."""

    user: User
    app: App | None = None
    installation: Installation | None = None
    token: Token | None = None

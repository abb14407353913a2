"""A simulated GitHub on a loopback port, for tests and demos."""

from dataclasses import dataclass, field

from joserfc import jwt
from starlette.requests import Request

from hookyard.kit.clock import Clock, SystemClock
from hookyard.kit.json import JsonObject
from hookyard_sandbox.github import people, repochanges
from hookyard_sandbox.github.acts import People
from hookyard_sandbox.github.app import Gateway, create_app
from hookyard_sandbox.github.appkeys import loaded, new_private_key, public_half
from hookyard_sandbox.github.auth import TokenMint
from hookyard_sandbox.github.faults import Fault, Faults
from hookyard_sandbox.github.limits import Limits
from hookyard_sandbox.github.model import (
    App,
    HookConfig,
    HookDelivery,
    Installation,
    Permissions,
    PlainHook,
)
from hookyard_sandbox.github.server import Connections, Server
from hookyard_sandbox.github.state import World
from hookyard_sandbox.github.webhooks import Deliver, Hooks, make_plain

DEMO_SECRET = "sandbox-webhook-secret"


@dataclass(frozen=True, slots=True)
class RegisteredApp:
    """What registering an App gives: its id, private key (PEM) and webhook secret."""

    id: int
    client_id: str
    slug: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    app: App = field(repr=False)

    @property
    def client_secret(self) -> str:
        """What signs people in, with the client id."""
        return self.app.client_secret

    def assertion(self, now_s: int, life_s: int = 540) -> str:
        """A JWT of the App as GitHub advises: issued a minute ago."""
        claims = {"iat": now_s - 60, "exp": now_s + life_s, "iss": str(self.id)}
        return jwt.encode({"alg": "RS256"}, claims, loaded(self.private_key))


class Sandbox(People):
    """A simulated GitHub. `start()` serves it from a thread; without, `app` is the ASGI app.

    `deliver` receives webhooks instead of the App's hook url, on the thread that caused them and
    under the world's lock, so it must only put them aside. As a context manager the sandbox
    starts and stops itself.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        port: int = 0,
        limits: Limits | None = None,
        deliver: Deliver | None = None,
        stateless_tokens: bool = True,
    ) -> None:
        base = clock or SystemClock()
        self.faults = Faults()
        self.limits = limits or Limits()
        super().__init__(World(base, stateless_tokens=stateless_tokens))
        self.hooks = Hooks(self.world, deliver)
        self._connections = Connections()
        self._port = port
        self._server: Server | None = None
        self.app = create_app(
            self.world, base, self.faults, limits=self.limits, hooks=self.hooks, drop=self._drop
        )
        self.gateway: Gateway = self.app.state.gateway

    @property
    def base_url(self) -> str:
        """The API root, as `GITHUB_API_BASE_URL` takes it."""
        return self.world.api_url

    async def _drop(self, request: Request) -> None:
        if self._server is None:
            raise ConnectionResetError("the simulated GitHub broke the connection")
        await self._connections.drop(request)

    def start(self) -> "Sandbox":
        """Serve on a loopback port from a thread; connections are accepted at once."""
        self._server = Server(self.app, self._connections, self._port)
        self.world.api_url = f"http://127.0.0.1:{self._server.port}"
        self._server.start()
        return self

    def stop(self) -> None:
        """Send the webhooks already made, then stop serving."""
        self.hooks.close()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def register_app(
        self,
        name: str = "Hookyard",
        *,
        webhook_url: str = "",
        webhook_secret: str = DEMO_SECRET,
        permissions: Permissions | None = None,
        events: list[str] | None = None,
        private_key: str | None = None,
        callback_urls: list[str] | None = None,
    ) -> RegisteredApp:
        """Register an App with this RSA key or a fresh one, and send it the first ping."""
        private = private_key or new_private_key()
        with self.world.lock:
            app = self.world.add_app(
                public_half(private),
                name=name,
                permissions=permissions,
                events=events,
                hook=HookConfig(webhook_url, webhook_secret),
            )
            app.callback_urls = list(callback_urls or ["http://127.0.0.1/auth/callback"])
            repochanges.ping(self.world, app)
        return RegisteredApp(app.id, app.client_id, app.slug, private, webhook_secret, app)

    def create_installation(
        self,
        app: RegisteredApp,
        account: str = "acme",
        *,
        repositories: list[str] | None = None,
        permissions: Permissions | None = None,
    ) -> Installation:
        """Install an App on an account, or on some of its repositories, and tell the App."""
        with self.world.lock:
            made = self.world.install(
                app.app, account, repositories=repositories, permissions=permissions
            )
            repochanges.installation_changed(self.world, made, self.person(account), "created")
        return made

    def create_hook(
        self, owner: str, url: str = "", secret: str = DEMO_SECRET, *, events: list[str]
    ) -> PlainHook:
        """A webhook of a repository (`acme/shop`) or an organisation (`acme`)."""
        with self.world.lock:
            is_repository = "/" in owner
            target = self.repository(owner).id if is_repository else self.person(owner).user.id
            kind = "repository" if is_repository else "organization"
            config, now_ms = HookConfig(url, secret), self.world.now_ms()
            hook = PlainHook(self.world.new_id(), owner, kind, target, config, events, now_ms)
            self.world.plain_hooks[hook.id] = hook
        return hook

    def send_plain(self, hook: PlainHook, event: str, payload: JsonObject) -> HookDelivery:
        """Deliver something to a repository's or organisation's hook."""
        made = make_plain(self.world, hook, event, payload)
        self.hooks.send(made)
        return made

    def mint(self, installation: Installation, permissions: Permissions | None = None) -> str:
        """A token of an installation without asking over HTTP."""
        with self.world.lock:
            held = dict(installation.permissions if permissions is None else permissions)
            stateless = self.world.stateless_tokens
            return TokenMint(self.world).mint(installation, held, None, stateless=stateless).value

    def fail(
        self,
        kind: str,
        *,
        times: int | None = 1,
        method: str = "*",
        path: str = "*",
        status: int = 502,
        message: str = "Server Error",
        delay_s: float = 1.0,
        wait_s: int = 60,
        retry_after: bool = True,
    ) -> Fault:
        """Switch a fault on; kinds and options as in `faults.Fault`."""
        fault = Fault(kind, times, method, path, status, message)
        fault.delay_s, fault.wait_s, fault.retry_after = delay_s, wait_s, retry_after
        return self.faults.add(fault)

    def skew(self, seconds: float) -> None:
        """Set the server's clock off by this much; 0 sets it right."""
        self.faults.skew_ms = int(seconds * 1000)

    def view(self) -> JsonObject:
        """The world as a person would see it."""
        with self.world.lock:
            return people.look(self.world)

    def history(self, **facts: str | int | None) -> list[JsonObject]:
        """Applied writes, oldest first, that have all these facts."""
        with self.world.lock:
            lines = list(self.world.history)
        return [x for x in lines if all(x.get(k) == v for k, v in facts.items())]

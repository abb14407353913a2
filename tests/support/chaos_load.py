"""The work of a fault campaign: people, trackers and alerts that keep asking for things.

People act on the simulated GitHub, whose webhooks then become parcels; the other providers'
parcels are made here. Each carries what it must lead to.
"""

import itertools
import json
import queue
import threading
import time
from collections.abc import Mapping
from random import Random
from typing import Any

from hookyard_sandbox import senders_jira, senders_sentry, senders_slack
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from hookyard_sandbox.senders import SignedRequest, signed_request
from tests.support.chaos_model import Want
from tests.support.chaos_sender import Parcel, Senders

# why: GitHub's write budget is one for each installation, so the work is spread over many.
ACCOUNTS = (
    *("acme", "bolt", "crux", "dune", "echo", "flux", "gale", "hive"),
    *("lime", "mint", "nova", "opal", "pike", "quay", "reef", "sand"),
)
STRICT = "hive"
HOMES = {"github": "acme/shop", "slack": "iris/shop", "jira": "jade/shop", "sentry": "kilo/shop"}
"""Where each source's work goes that names no place."""
PEOPLE = ("alice", "bob")
IGNORED, ROUTED = Want(frozenset({"ignored"})), Want(frozenset({"routed"}))
CRITERIA = Want(frozenset({"routed"}), {"criteria.extract": 1})
OPEN_AT_MOST = 6
ENOUGH = 80


def asked(token: str, answer: str, eyes: int | None = None) -> Want:
    """What a command leads to."""
    return Want(frozenset({"routed"}), {"agent.task": 1}, token, answer, eyes)


def want_of(event: str, payload: Mapping[str, Any]) -> Want:
    """What a webhook of the simulated GitHub must lead to."""
    action = payload.get("action")
    if event in ("installation", "installation_repositories", "ping"):
        return ROUTED
    if payload.get("sender", {}).get("type") == "Bot":
        return IGNORED
    if event == "issues" and action in ("opened", "edited", "closed"):
        return CRITERIA
    if event == "issue_comment" and action == "created":
        comment = payload["comment"]
        if comment["body"].startswith("/hookyard "):
            return asked(comment["body"].split()[-1], "comment", comment["id"])
    return IGNORED


class Load:
    """Makes deliveries at a steady rate from a thread of its own, and in bursts on request."""

    def __init__(
        self,
        sandbox: Sandbox,
        app: RegisteredApp,
        senders: Senders,
        secrets: Mapping[str, str],
        random: Random,
    ) -> None:
        self.emitted: queue.SimpleQueue[HookDelivery] = queue.SimpleQueue()
        self.installed: list[int] = []
        self._sandbox = sandbox
        self._app = app
        self._senders = senders
        self._secrets = secrets
        self._random = random
        self._numbers = itertools.count(1)
        self._open: dict[str, list[int]] = {}
        self._lock = threading.Lock()
        self._rate = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-load", daemon=True)
        self._acts = (
            (self._open_issue, 12),
            (self._edit_issue, 10),
            (self._command, 16),
            (self._chat, 6),
            (self._close_issue, 3),
            (self._slack_mention, 8),
            (self._slack_slash, 6),
            (self._slack_talk, 4),
            (self._jira_command, 8),
            (self._jira_change, 5),
            (self._sentry_alert, 6),
            (self._sentry_issue, 4),
            (self._install, 1),
        )

    def set_up(self) -> None:
        """Accounts with one repository each, one open issue in each, the App installed on all."""
        for name in sorted({f"{account}/shop" for account in ACCOUNTS} | set(HOMES.values())):
            people = dict.fromkeys(PEOPLE, "write")
            self._sandbox.create_repository(name, collaborators=people)
            account = name.partition("/")[0]
            self.installed.append(self._sandbox.create_installation(self._app, account).id)
        self.pump()

    def start(self, rate: float) -> None:
        """Begin to make `rate` deliveries a second, each account's first issue before all."""
        for account in ACCOUNTS:
            self._new_issue(f"{account}/shop")
        self._rate = rate
        self._thread.start()

    def stop(self) -> None:
        """Make no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def burst(self, count: int) -> None:
        """Make several at once."""
        with self._lock:
            acts, weights = zip(*self._acts, strict=True)
            for act in self._random.choices(acts, weights, k=count):
                act()
            self.pump()

    def pump(self) -> int:
        """Hand what GitHub emitted to the senders; how many there were."""
        count = 0
        while True:
            try:
                delivery = self.emitted.get_nowait()
            except queue.Empty:
                return count
            count += 1
            self._post_github(delivery)

    def _run(self) -> None:
        while not self._stopping.wait(1 / self._rate):
            # why: where the machine is slow, more would only lie in front of the door.
            if self._senders.open < ENOUGH:
                self.burst(1)

    def _post_github(self, delivery: HookDelivery) -> None:
        request = SignedRequest(dict(delivery.headers), delivery.body, "/webhooks/github")
        want = want_of(delivery.event, json.loads(delivery.body))
        name = f"github {delivery.event}.{delivery.action} {delivery.guid}"
        self._send(Parcel(name, "github", lambda: request, want, delivery.guid))

    def _send(self, parcel: Parcel) -> None:
        self._senders.post(parcel, self._random.choices((1, 2, 3), (80, 14, 6))[0])

    def _token(self) -> str:
        return f"tok{next(self._numbers):06d}x"

    def _repository(self) -> str:
        # why: a secondary limit slows one account down for minutes, so it gets less to do.
        weights = [1 if account == STRICT else 4 for account in ACCOUNTS]
        return self._random.choices(ACCOUNTS, weights)[0] + "/shop"

    def _place(self) -> tuple[str, int]:
        repository = self._repository()
        return repository, self._random.choice(self._open[repository])

    # --- people on GitHub ---

    def _new_issue(self, repository: str) -> None:
        lines = [f"- [ ] {self._token()} works" for _ in range(self._random.randint(1, 3))]
        body = "It fails.\n\n## Acceptance criteria\n" + "\n".join(lines)
        issue = self._sandbox.create_issue(repository, "It fails", body, by="alice")
        numbers = self._open.setdefault(repository, [])
        numbers.append(issue.number)
        if len(numbers) > OPEN_AT_MOST:
            numbers.pop(0)

    def _open_issue(self) -> None:
        self._new_issue(self._repository())

    def _edit_issue(self) -> None:
        repository, number = self._place()
        body = self._sandbox.repository(repository).issues[number].body or ""
        lines = body.splitlines()
        if len(lines) > 5 and self._random.random() < 0.5:
            lines.pop()
        lines.append(f"- [x] {self._token()} works")
        self._sandbox.edit_issue(repository, number, body="\n".join(lines), by="bob")

    def _command(self) -> None:
        repository, number = self._place()
        text = f"/hookyard fix {self._token()}"
        who = self._random.choice(PEOPLE)
        self._sandbox.create_comment(repository, number, text, by=who)

    def _chat(self) -> None:
        repository, number = self._place()
        self._sandbox.create_comment(repository, number, "Any news?", by="bob")

    def _close_issue(self) -> None:
        repository, number = self._place()
        if len(self._open[repository]) > 1:
            self._open[repository].remove(number)
            self._sandbox.close_issue(repository, number, by="alice")

    def _install(self) -> None:
        name = f"org{next(self._numbers):06d}"
        self._sandbox.create_repository(f"{name}/tool")
        self.installed.append(self._sandbox.create_installation(self._app, name).id)

    # --- the other providers ---

    def _reference(self, token: str) -> tuple[str, Want]:
        """A text with a token, and where its answer goes: half of them name an issue."""
        if self._random.random() < 0.5:
            return f"look into {token}", asked(token, "issue")
        repository, number = self._place()
        return f"look into {repository}#{number} {token}", asked(token, "comment")

    def _slack_mention(self) -> None:
        token = self._token()
        text, want = self._reference(token)
        self._slack_event(f"Ev{token}", text, want)

    def _slack_talk(self) -> None:
        token = self._token()
        self._slack_event(f"Ev{token}", "hello", IGNORED, bot_id="B0BOT")

    def _slack_event(self, event_id: str, text: str, want: Want, bot_id: str = "") -> None:
        body = senders_slack.app_mention(text, event_id=event_id, now_ms=_now_ms(), bot_id=bot_id)
        secret = self._secrets["slack"]

        def make() -> SignedRequest:
            return signed_request("slack", body, secret, now_ms=_now_ms())

        self._send(Parcel(f"slack mention {event_id}", "slack", make, want, event_id))

    def _slack_slash(self) -> None:
        token = self._token()
        text, want = self._reference(token)
        body = senders_slack.slash_command(text, trigger_id=f"13.{token}")
        secret = self._secrets["slack"]

        def make() -> SignedRequest:
            return signed_request("slack", body, secret, now_ms=_now_ms(), form="yes")

        self._send(Parcel(f"slack slash {token}", "slack", make, want, f"13.{token}"))

    def _jira_command(self) -> None:
        token = self._token()
        text, want = self._reference(token)
        person = senders_jira.user("5b10ac8d82e05b22cc7d4ef5", "Mia")
        body = senders_jira.comment_created(
            f"SHOP-{token[3:9]}", "Slow", f"/hookyard {text}", person, now_ms=_now_ms()
        )
        self._jira(f"jira comment {token}", body, token, want)

    def _jira_change(self) -> None:
        token = self._token()
        person = senders_jira.user("5b10ac8d82e05b22cc7d4ef5", "Mia")
        body = senders_jira.issue_updated("SHOP-7", f"Slow {token}", person, now_ms=_now_ms())
        self._jira(f"jira change {token}", body, token, IGNORED)

    def _jira(self, name: str, body: Any, token: str, want: Want) -> None:
        secret = self._secrets["jira"]
        request = signed_request("jira", body, secret, delivery_id=f"jira-{token}")
        self._send(Parcel(name, "jira", lambda: request, want, f"jira-{token}"))

    def _sentry_alert(self) -> None:
        token = self._token()
        body = senders_sentry.event_alert(f"Oops {token}")
        self._sentry("event_alert", body, asked(token, "issue"))

    def _sentry_issue(self) -> None:
        body = senders_sentry.issue(f"Oops {self._token()}", action="resolved")
        self._sentry("issue", body, IGNORED)

    def _sentry(self, resource: str, body: Any, want: Want) -> None:
        secret, numbers = self._secrets["sentry"], self._numbers
        name = f"sentry {resource} {next(numbers)}"

        def make() -> SignedRequest:
            # spec: Sentry draws a new Request-ID for every attempt.
            attempt = f"{next(numbers):032x}"
            return signed_request(
                "sentry", body, secret, event=resource, delivery_id=attempt, now_ms=_now_ms()
            )

        self._send(Parcel(name, "sentry", make, want))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

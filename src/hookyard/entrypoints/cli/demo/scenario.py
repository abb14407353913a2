"""What happens in the demo, act by act; every outcome is checked where a person would look."""

import json
import queue
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hookyard.entrypoints.cli.demo.review_act import ReviewAct
from hookyard.entrypoints.cli.demo.screen import Screen
from hookyard.entrypoints.cli.demo.server import REPOSITORY, DemoServer
from hookyard.kit.clock import SystemClock
from hookyard_sandbox import senders_jira, senders_sentry, senders_slack
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import RegisteredApp, Sandbox
from hookyard_sandbox.senders import SignedRequest, form_encode, signed_request

PATIENCE_S = 30.0
CLOCK = SystemClock()
ISSUE = """Signing in fails when the e-mail address has a plus sign.

## Acceptance criteria
- [ ] an address with a plus sign can sign in
- [ ] a wrong password shows an error
- [x] the lock-out counter is not raised by either
"""


@dataclass(slots=True)
class Sent:
    """A delivery that was accepted, and what it was about."""

    what: str
    delivery_id: str


class Scenario:
    """Plays the acts against a running server and a simulated GitHub."""

    def __init__(
        self, server: DemoServer, sandbox: Sandbox, app: RegisteredApp, screen: Screen
    ) -> None:
        self._server = server
        self._sandbox = sandbox
        self._app = app
        self._screen = screen
        self._emitted: queue.SimpleQueue[HookDelivery] = queue.SimpleQueue()
        self.sent: list[Sent] = []
        self._issue = 0

    def emitted(self, delivery: HookDelivery) -> None:
        """GitHub made a webhook; it is sent by `pump`."""
        self._emitted.put(delivery)

    def play(self) -> None:
        """Every act in order."""
        self._install()
        self._criteria()
        self._commands()
        self._duplicate_and_forged()
        self._tokens()
        self._other_providers()
        ReviewAct(self, self._sandbox, self._screen).play()
        self._kill_in_the_middle()
        self._once_each()

    # --- acts ---

    def _install(self) -> None:
        self._screen.act("GitHub: the App is installed on acme")
        repository = self._sandbox.create_repository(REPOSITORY)
        repository.collaborators["alice"] = "write"
        self._sandbox.create_installation(self._app, "acme")
        last = self._pump("App installed")
        self.expect(
            "the inventory knows acme/shop",
            lambda: self._delivery(last)["status"] == "routed",
        )

    def _criteria(self) -> None:
        self._screen.act("GitHub: an issue with acceptance criteria is opened")
        issue = self._sandbox.create_issue(
            REPOSITORY, "Cannot sign in with a plus sign", body=ISSUE, by="alice"
        )
        self._issue = issue.number
        self._pump("issue opened")
        self.expect(
            "one comment lists the three criteria as T1, T2, T3",
            lambda: len(self._comments("**T3**")) == 1,
        )

    def _commands(self) -> None:
        self._screen.act("GitHub: commands in comments, one by alice (write), one by a stranger")
        self._sandbox.create_comment(
            REPOSITORY, self._issue, "/hookyard fix start with the parser", by="alice"
        )
        self._pump("command by alice")
        self._sandbox.create_comment(REPOSITORY, self._issue, "/hookyard fix it", by="mallory")
        self._pump("command by mallory")
        self.expect("alice's command is answered with eyes", lambda: self._reacted("eyes"))
        self.expect(
            "the agent's answer is a comment", lambda: len(self._answers("alice", "github")) == 1
        )
        self.expect(
            "mallory is refused, with the reason",
            lambda: (
                bool(self._comments("needs at least write"))
                or bool(self._comments("at least write"))
            ),
        )

    def _duplicate_and_forged(self) -> None:
        self._screen.act("GitHub sends a delivery again; somebody forges one")
        self._sandbox.edit_issue(
            REPOSITORY, self._issue, title="Cannot sign in with a plus", by="alice"
        )
        request = _as_request(self._persons())
        _, first = self._accept("issue edited", request)
        status, second = self._server.deliver(request)
        self._screen.outcome(
            status == 200 and second.get("delivery_id") == first,
            "the repeated delivery is swallowed",
            f"{status} {second.get('status')}: {second.get('reason')}",
        )
        forged = {**request.headers, "X-Hub-Signature-256": "sha256=" + "0" * 64}
        status, answer = self._server.deliver(replace(request, headers=forged))
        self._screen.outcome(
            status == 401, "the forged delivery is refused", f"{status} {answer.get('code')}"
        )

    def _tokens(self) -> None:
        self._screen.act("A program asks for a GitHub token; the mint policy decides")
        path = f"/tokens/accounts/{REPOSITORY.partition('/')[0]}"
        status, given = self._server.post(path, {})
        what = f"{given.get('repositories')}, {given.get('permissions')}"
        narrow = {"contents": "read", "issues": "read", "metadata": "read"}
        self._screen.outcome(
            status == 200
            and given.get("repositories") == [REPOSITORY]
            and given.get("permissions") == narrow,
            "asked for everything, it is given what the policy allows",
            f"{what}, {'cached' if given.get('cached') else 'minted'}",
        )
        status, refused = self._server.post(path, {"permissions": {"contents": "write"}})
        self._screen.outcome(
            status == 403 and refused.get("code") == "policy_refused",
            "asked to write, it is refused with the rule and the reason",
            str(refused.get("detail")),
        )

    def _other_providers(self) -> None:
        self._screen.act("Slack, Jira and Sentry: each asks for work, each answer lands on GitHub")
        now_ms = CLOCK.now_ms()
        secrets = self._server.secrets
        slash = senders_slack.slash_command(
            f"ask {REPOSITORY}#{self._issue} is this urgent?",
            trigger_id="13345224609.738474920.8088",
        )
        self._accept(
            "Slack slash command",
            signed_request(
                "slack", form_encode(slash) if isinstance(slash, dict) else slash,
                secrets["slack"], now_ms=now_ms, form="yes",
            ),
        )  # fmt: skip
        person = senders_jira.user("5b10ac8d82e05b22cc7d4ef5", "Mia")
        comment = senders_jira.comment_created(
            "SHOP-7",
            "Checkout is slow",
            "/hookyard investigate the checkout",
            person,
            now_ms=now_ms,
        )
        self._accept(
            "Jira comment",
            signed_request(
                "jira", comment, secrets["jira"], delivery_id=f"demo-jira-{now_ms}", now_ms=now_ms
            ),
        )
        alert = senders_sentry.event_alert("ValueError: plus sign in address")
        self._accept(
            "Sentry alert",
            signed_request(
                "sentry", alert, secrets["sentry"], event="event_alert", now_ms=now_ms,
                delivery_id="6fb1d0a5a9f64d8c8f5c3f1e5a1b2c3d",
            ),
        )  # fmt: skip
        self.expect("Slack's answer is a comment", lambda: len(self._answers("", "slack")) == 1)
        self.expect("Jira's answer is an issue", lambda: self._issues_from("jira") == 1)
        self.expect("Sentry's answer is an issue", lambda: self._issues_from("sentry") == 1)

    def _kill_in_the_middle(self) -> None:
        self._screen.act("kill -9 in the middle of a job")
        self._sandbox.create_comment(
            REPOSITORY, self._issue, "/hookyard think slowly about it", by="alice"
        )
        delivery_id = self._pump("slow command")
        self.expect(
            "the job is running", lambda: self._task_of(delivery_id).get("state") == "running"
        )
        job_id = str(self._task_of(delivery_id).get("id"))
        self._kill(job_id)
        self.expect(
            "the job ends once",
            lambda: self._server.get(f"/api/jobs/{job_id}")["state"] == "succeeded",
        )
        attempts = [a["outcome"] for a in self._server.get(f"/api/jobs/{job_id}")["attempts"]]
        self._screen.outcome(
            attempts == ["lost", "succeeded"],
            "its history tells of both attempts",
            ", ".join(attempts),
        )

    def _kill(self, job_id: str) -> None:
        """kill -9 to whatever runs this job, and what it takes for it to be run again."""
        self._server.kill()
        self._screen.info("the server is dead; nothing was flushed")
        took = self._server.start()
        self._screen.info(f"the server is back after {took:.1f}s")

    def _once_each(self) -> None:
        self._screen.act("What GitHub shows")
        self.expect("every delivery has ended", self._all_ended)
        self._pump_rest()
        bodies = [c["body"] for issue in self._issues() for c in issue["comments"]]
        markers = [body.split("-->")[0] for body in bodies if body.startswith("<!-- hookyard:")]
        self._screen.outcome(
            len(markers) == len(set(markers)), "nothing landed twice", f"{len(markers)} comments"
        )
        expected = 2
        self._screen.outcome(
            len(self._answers("alice", "github")) == expected, "each command has one answer"
        )

    # --- looking ---

    def rows(self) -> list[list[str]]:
        """Delivery → job → effect, for the table."""
        found: list[list[str]] = []
        for sent in self.sent:
            view = self._delivery(sent.delivery_id)
            jobs = [j for j in view["jobs"] if j["kind"] not in ("ingress.route", "effect.land")]
            names = brief(jobs)
            effects = ", ".join(e["url"] or e["state"] for e in view["effects"])
            why = view["reason"] or ""
            found.append(
                [
                    sent.what,
                    sent.delivery_id[-8:],
                    view["status"],
                    names or "-",
                    effects or why or "-",
                ]
            )
        return found

    def _delivery(self, delivery_id: str) -> dict[str, Any]:
        return self._server.get(f"/api/deliveries/{delivery_id}")

    def _task_of(self, delivery_id: str) -> dict[str, Any]:
        jobs = self._delivery(delivery_id)["jobs"]
        return next((dict(job) for job in jobs if job["kind"] == "agent.task"), {})

    def _issues(self) -> list[dict[str, Any]]:
        view: Any = self._sandbox.view()
        return list(view["repositories"][0]["issues"])

    def _comments(self, text: str) -> list[str]:
        return [c["body"] for i in self._issues() for c in i["comments"] if text in c["body"]]

    def _answers(self, who: str, provider: str) -> list[str]:
        return [
            body
            for body in self._comments("Agent's answer")
            if who in body and f"through {provider}" in body
        ]

    def _issues_from(self, provider: str) -> int:
        return sum(1 for issue in self._issues() if f"through {provider}" in (issue["body"] or ""))

    def _reacted(self, content: str) -> bool:
        comments = [c for i in self._issues() for c in i["comments"]]
        return any(r["content"] == content for c in comments for r in c["reactions"])

    def _all_ended(self) -> bool:
        for sent in self.sent:
            view = self._delivery(sent.delivery_id)
            if view["status"] == "accepted":
                return False
            if any(job["state"] in ("queued", "running", "waiting") for job in view["jobs"]):
                return False
        return True

    # --- sending ---

    def _pump(self, what: str) -> str:
        """Send what GitHub emitted for a person's act; the id of that delivery."""
        _, delivery_id = self._accept(what, _as_request(self._persons()))
        self._pump_rest()
        return delivery_id

    def send_all(self, what: str, event: str) -> None:
        """Send all that GitHub emitted; the last delivery of this event is `what` in the table."""
        emitted: list[HookDelivery] = []
        while not self._emitted.empty():
            emitted.append(self._emitted.get_nowait())
        named = [one for one in emitted if _event_of(one) == event and not _is_ours(one)]
        for delivery in emitted:
            if delivery is named[-1]:
                self._accept(what, _as_request(delivery))
            else:
                self._server.deliver(_as_request(delivery))

    def _persons(self) -> HookDelivery:
        """The next webhook of something a person did; echoes of our own writes go ahead of it."""
        while True:
            delivery = self._emitted.get(timeout=10)
            payload = json.loads(delivery.body)
            if payload.get("sender", {}).get("type") != "Bot":
                return delivery
            self._server.deliver(_as_request(delivery))

    def _pump_rest(self) -> None:
        """Send the echoes of our own writes; they are ignored, and must be."""
        while True:
            try:
                delivery = self._emitted.get_nowait()
            except queue.Empty:
                return
            self._server.deliver(_as_request(delivery))

    def _accept(self, what: str, request: SignedRequest) -> tuple[int, str]:
        status, answer = self._server.deliver(request)
        delivery_id = str(answer.get("delivery_id", ""))
        if not delivery_id:
            delivery_id = self._newest()
        self.sent.append(Sent(what, delivery_id))
        self._screen.info(f"{what}: {status}, on disk as {delivery_id[-8:]}")
        return status, delivery_id

    def _newest(self) -> str:
        return str(self._server.get("/api/deliveries?limit=1")["items"][0]["id"])

    def expect(self, text: str, holds: Callable[[], bool]) -> None:
        """Wait until it holds, sending GitHub's echoes meanwhile."""
        deadline = CLOCK.monotonic() + PATIENCE_S
        while CLOCK.monotonic() < deadline:
            if holds():
                self._screen.outcome(ok=True, text=text)
                return
            self._pump_rest()
            time.sleep(0.05)  # why: a person watching the real GitHub would look again, too
        self._screen.outcome(ok=False, text=text, why=f"not within {PATIENCE_S:.0f}s")


def _event_of(delivery: HookDelivery) -> str:
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return headers.get("x-github-event", "")


def _is_ours(delivery: HookDelivery) -> bool:
    """Whether our own App caused it; CI is a bot, too, and is not ours."""
    sender = json.loads(delivery.body).get("sender", {})
    return bool(sender.get("type") == "Bot" and sender.get("login") != "github-actions[bot]")


def _as_request(delivery: HookDelivery) -> SignedRequest:
    return SignedRequest(dict(delivery.headers), delivery.body, "/webhooks/github")


def brief(jobs: Sequence[dict[str, Any]]) -> str:
    """Kinds of jobs, each once with how many there were, by the state they are in."""
    counts = Counter((job["state"], job["kind"]) for job in jobs)
    states = dict.fromkeys(state for state, _ in counts)
    return "; ".join(
        ", ".join(
            kind if count == 1 else f"{kind} ×{count}"
            for (of, kind), count in counts.items()
            if of == state
        )
        + f" {state}"
        for state in states
    )

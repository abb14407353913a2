"""What is asked of Hookyard in a simulation: by senders that deliver, and by people."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress.model import Identity, InboundRequest
from hookyard.core.jobs.model import NewJob
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.errors import Unavailable
from hookyard_sandbox.senders import signed_request
from tests.simulation.book import Parcel
from tests.simulation.chores import CHORES, PUBLISH
from tests.simulation.clock import START_MS
from tests.simulation.faults import LEASE_S
from tests.simulation.github import INSTALLATION
from tests.simulation.roles import ENDPOINT, SECRET, Parts, Shared
from tests.support.chaos_model import Ack, Want

REPOSITORY = "acme/shop"
USUAL_S = 0.01
PATIENCE_S = 6.0
REPOSITORIES = ("acme/shop", "bolt/shop", None)


class Senders:
    """Deliver what happens on GitHub to the gateways until it is acknowledged."""

    def __init__(self, shared: Shared, gateways: Mapping[str, Parts], random: Random) -> None:
        self._shared = shared
        self._world = shared.world
        self._gateways = gateways
        self._random = random
        self._issues: dict[int, int] = {}
        self.open = 0

    def schedule(self) -> None:
        """Draw every delivery, and when it is first sent."""
        plan = self._world.plan
        for n in range(plan.deliveries):
            at_s = self._random.uniform(0.1, plan.horizon_s * 0.7)
            self.open += 1
            self._world.outside(at_s, self._happen, n)

    def _happen(self, n: int) -> None:
        make = self._random.choice((self._command, self._command, self._issue, self._chat))
        if self._world.plan.lease_s < LEASE_S:
            make = self._chat
        event, payload, want = make(n)
        guid = f"{self._random.getrandbits(128):032x}"
        guid = f"{guid[:8]}-{guid[8:12]}-{guid[12:16]}-{guid[16:20]}-{guid[20:]}"
        payload |= {
            "repository": {"id": 9, "full_name": REPOSITORY, "name": "shop", "private": False,
                           "owner": {"login": "acme"}, "default_branch": "main"},
            "sender": {"login": "alice", "id": 3, "type": "User"},
            "installation": {"id": INSTALLATION},
        }  # fmt: skip
        signed = signed_request("github", payload, SECRET, event=event, delivery_id=guid)
        headers = {k.lower().encode(): v.encode() for k, v in signed.headers.items()}
        parcel = Parcel(f"{event} {n}", guid, signed.body, headers, want)
        self._shared.book.parcels.append(parcel)
        for _ in range(2 if self._random.random() < 0.25 else 1):
            self._send(parcel)

    def _command(self, n: int) -> tuple[str, dict[str, Any], Want]:
        token, number = f"tok{n:06d}x", self._random.randint(1, 2)
        want = Want(frozenset({"routed"}), {"agent.task": 1}, token, "comment", 900 + n)
        comment = {"id": 900 + n, "body": f"/hookyard fix {token}"}
        payload = {"action": "created", "issue": {"number": number}, "comment": comment}
        return "issue_comment", payload, want

    def _chat(self, n: int) -> tuple[str, dict[str, Any], Want]:
        comment = {"id": 900 + n, "body": f"Any news? {n}"}
        payload = {"action": "created", "issue": {"number": 1}, "comment": comment}
        return "issue_comment", payload, Want(frozenset({"ignored"}))

    def _issue(self, n: int) -> tuple[str, dict[str, Any], Want]:
        number = 20 + self._random.randint(0, 1)
        edits = self._issues[number] = self._issues.get(number, 0) + 1
        body = f"## Acceptance criteria\n- [ ] tok{n:06d}x works\n"
        stamp = to_rfc3339(START_MS + int(self._world.loop.time() * 1000))
        issue = {"number": number, "title": f"It fails {n}", "body": body, "updated_at": stamp}
        self._shared.github.issues[REPOSITORY, number] = issue
        action = "opened" if edits == 1 else "edited"
        want = Want(frozenset({"routed"}), {"criteria.extract": 1})
        return "issues", {"action": action, "issue": issue}, want

    # --- on the wire ---

    def _send(self, parcel: Parcel) -> None:
        parcel.sends += 1
        gateway = self._random.choice(sorted(self._gateways) or ["gateway-1"])
        fault = self._world.faults.pick("network")
        self._world.note("github", f"sends {parcel.name} to {gateway} {fault}")
        latency_s = self._world.faults.latency_s(USUAL_S, fault)
        if fault != "drop":
            self._world.outside(latency_s, self._arrive, parcel, gateway, fault)
        if fault == "double":
            self._world.outside(latency_s * 2, self._arrive, parcel, gateway, "")
        self._world.outside(self._random.uniform(1.0, 1.5) * PATIENCE_S, self._look, parcel)

    def _look(self, parcel: Parcel) -> None:
        if not parcel.acks:
            self._send(parcel)
            return
        if parcel.sends < 3 and self._random.random() < 0.25:
            self._send(parcel)
        elif not parcel.is_over:
            parcel.is_over = True
            self.open -= 1

    def _arrive(self, parcel: Parcel, gateway: str, fault: str) -> None:
        parts = self._gateways.get(gateway)
        if parts is not None and parts.process.host.alive:
            parts.process.soon(0.0, self._serve, parcel, parts, fault)

    def _serve(self, parcel: Parcel, parts: Parts, fault: str) -> None:
        """What the route does, in the gateway."""
        receiver, request = parts.receiver, InboundRequest("POST", parcel.headers, parcel.body)
        assert receiver is not None
        identity = receiver.examine(ENDPOINT, request)
        if not isinstance(identity, Identity):
            self._world.wrong(f"{parcel.name} was refused: {identity}")
            return
        delivery = receiver.prepare(ENDPOINT, request, identity)

        def tell(answer: Any) -> None:
            if fault == "lost":
                return
            self._world.outside(USUAL_S, self._answered, parcel, answer)

        receiver.send(delivery, tell)

    def _answered(self, parcel: Parcel, answer: Any) -> None:
        if isinstance(answer, BaseException):
            self._world.note("github", f"{parcel.name} is answered 503: {answer}")
            return
        word = "duplicate" if answer.duplicate else "accepted"
        if answer.reason and not answer.duplicate:
            word = "revived"
        self._world.note("github", f"{parcel.name} is answered 202, {word}")
        parcel.acks.append(Ack(202, word, answer.delivery_id))


class People:
    """Enqueue, cancel and replay jobs by way of a gateway, each once."""

    def __init__(self, shared: Shared, gateways: Mapping[str, Parts], random: Random) -> None:
        self._shared = shared
        self._world = shared.world
        self._gateways = gateways
        self._random = random

    def schedule(self) -> None:
        """Draw every request."""
        plan, random = self._world.plan, self._random
        for n in range(plan.jobs):
            at_s = random.uniform(0.0, plan.horizon_s * random.choice((0.1, 0.8)))
            self._world.outside(at_s, self._ask, "enqueue", self._job(n))
        for _ in range(random.randint(0, 3)):
            what = random.choice(("cancel", "cancel", "replay"))
            self._world.outside(random.uniform(0.0, plan.horizon_s), self._ask, what, None)

    def _job(self, n: int) -> NewJob:
        random = self._random
        publishes = self._world.plan.lease_s >= LEASE_S
        if publishes and random.random() < 0.35:
            what = random.choice(("comment", "check", "issue"))
            return NewJob(PUBLISH.name, {"what": what, "n": n}, key=f"publish-{what}")
        kind = random.choice((*CHORES, *CHORES[-3:]))
        is_plain = kind.name in ("sim.plain", "sim.long")
        late_ms = random.randint(500, 9_000) if random.random() < 0.2 else 0
        at_ms = START_MS + int(self._world.loop.time() * 1000) + late_ms
        return NewJob(
            kind.name,
            {"n": n, "flaky": random.random() < 0.15},
            key=None if is_plain else random.choice(("k1", "k1", "k2")),
            priority=random.randint(0, 1),
            run_at_ms=at_ms if late_ms else None,
            debounce_s=random.choice((0.5, 3.0)),
            debounce_max_s=6.0,
            repository=random.choice(REPOSITORIES),
        )

    def _ask(self, what: str, job: NewJob | None) -> None:
        alive = [
            parts
            for _, parts in sorted(self._gateways.items())
            if parts.process.host.alive and not parts.process.host.frozen
        ]
        if not alive:
            return
        parts = self._random.choice(alive)
        self._world.note("people", f"{what} by {parts.process.host} {job.kind if job else ''}")
        act = {"enqueue": self._enqueue, "cancel": self._cancel, "replay": self._replay}[what]
        parts.process.soon(0.0, parts.process.spawn, act(parts, job))

    async def _enqueue(self, parts: Parts, job: NewJob) -> None:
        done = await _quietly(parts, lambda unit: parts.ledger.enqueue(unit, job))
        if done is not None:
            self._shared.book.enqueued[done.job_id] = job.kind

    async def _cancel(self, parts: Parts, job: NewJob | None) -> None:
        chosen = await self._some_job(parts, ("queued", "running", "waiting"))
        if chosen is not None:
            self._shared.book.cancelled.add(chosen)
            await _quietly(parts, lambda unit: parts.ledger.cancel(unit, chosen))

    async def _replay(self, parts: Parts, job: NewJob | None) -> None:
        chosen = await self._some_job(parts, ("succeeded", "dead", "cancelled"))
        if chosen is not None:
            self._shared.book.replayed.add(chosen)
            await _quietly(parts, lambda unit: parts.ledger.replay(unit, chosen))

    async def _some_job(self, parts: Parts, states: tuple[str, ...]) -> str | None:
        def look(unit: Unit) -> list[str]:
            return sorted(
                job.id
                for job in parts.ledger.list(unit, limit=200).items
                if job.state.value in states and job.kind.startswith("sim.")
                and job.kind not in ("sim.tick", PUBLISH.name)
            )  # fmt: skip

        found = await _quietly(parts, look)
        return self._random.choice(found) if found else None


async def _quietly(parts: Parts, work: Callable[[Unit], Any]) -> Any:
    """The unit's result; None when the database could not be used, as a person would see 503."""
    try:
        return await parts.database.write(work)
    except Unavailable:
        return None

"""Faults of the scaled site: kill -9 of any role, freezes, drains, and what they stand on."""

import contextlib
from collections.abc import Callable, Sequence

from tests.support.chaos_cluster import Cluster
from tests.support.chaos_hog import Crowd, Hog
from tests.support.chaos_instants import Instants, Mishaps, Scene, until
from tests.support.chaos_model import Wrong
from tests.support.chaos_part import Part
from tests.support.chaos_pause import pause
from tests.support.chaos_pointers import Pointers
from tests.support.chaos_rows import Unreadable, at_last_attempt, fetch_at_last

WEIGHTS = {"worker": 4, "gateway": 3, "relay": 3, "scheduler": 2}
MOST_STARTING = 3


class ScaledFaults:
    """Makes things go wrong for many processes, as one seed has it."""

    def __init__(self, scene: Scene, cluster: Cluster) -> None:
        self.scene = scene
        self.cluster = cluster
        self.instants = Instants(scene)
        self.mishaps = Mishaps(scene)
        self.hog = Hog(cluster.postgres.url(cluster.database))
        self.pointers: Pointers | None = None
        self.turns: dict[str, Callable[[], None]] = {
            "freeze of a worker": self._freeze_worker,
            "freeze of the scheduler": self._freeze_scheduler,
            "Postgres restarted, immediate": lambda: self._restart(cluster.postgres.stop_now),
            "Postgres restarted, fast": lambda: self._restart(cluster.postgres.stop_fast),
            "Postgres sessions killed": self._kill_sessions,
            "Postgres connections used up": self._use_up_connections,
            "pools used up": self._use_up_pools,
        }
        for role in sorted({part.role for part in cluster.parts.values()}):
            self.turns[f"drain of a {role}"] = lambda role=role: self._drain(role)  # type: ignore[misc]
        if cluster.broker is not None:
            self._with_broker()

    def close(self) -> None:
        """Let go of everything; nothing stays held back. Once is enough."""
        if self.pointers is not None:
            self.pointers.close()
            self.pointers = None
        self.hog.close()

    # --- kills ---

    def strike(self) -> None:
        """Kill some processes at one instant of running work; others go on, or are starting."""
        scene, random = self.scene, self.scene.random
        self._wait_for_some()
        phase = self.instants.pick()
        if self.pointers is not None:
            self.pointers.maybe()
        self.mishaps.maybe()
        self.instants.wait_for(phase)
        victims = self._victims(random.choice((1, 2, 3, 3)))
        dead = [part for part in victims if self._kill(part, phase)]
        scene.repeat_some(3)
        for part in dead:
            part.spawn()
        again = random.random()
        if dead and again < 0.4:
            part = random.choice(dead)
            pause(random.uniform(0.0, part.start_s))
            if self._kill(part, "starting"):
                part.spawn()
        elif dead and again < 0.6:
            self._kill_heir(dead)

    def _kill_heir(self, dead: Sequence[Part]) -> None:
        """Kill another about when the leases of the dead run out and it takes over."""
        random = self.scene.random
        pause(self.scene.plan.lease_s * random.uniform(0.7, 1.3))
        roles = {part.role for part in dead}
        heirs = [p for p in self.cluster.ready() if p.role in roles and p not in dead]
        heir = random.choice(heirs or self.cluster.ready() or [None])
        if heir is not None and self._kill(heir, "recovering"):
            heir.spawn()

    def _victims(self, count: int) -> list[Part]:
        """Different processes that are ready, by the weights of their roles.

        The first is of the role that has had the least of its share.
        """
        ready, killed = self.cluster.ready(), self.scene.report.by_role()
        found = [min(ready, key=lambda part: killed[part.role] / WEIGHTS[part.role])]
        ready.remove(found[0])
        while ready and len(found) < count:
            part = self.scene.random.choices(ready, [WEIGHTS[p.role] for p in ready])[0]
            ready.remove(part)
            found.append(part)
        return found

    def _kill(self, part: Part, phase: str) -> bool:
        """kill -9, counted; not of a worker where it would be some job's last attempt."""
        self.cluster.supervise()
        if not part.kill_if(self._is_bearable if part.role == "worker" else lambda: True):
            self.scene.report.put_off += 1
            return False
        self.scene.report.killed(part.role, phase)
        return True

    def _is_bearable(self) -> bool:
        try:
            return at_last_attempt(self.cluster.rows) == 0
        except Unreadable:
            return False

    def _wait_for_some(self) -> None:
        """Wait until deliveries are taken in and worked on, and few processes are starting."""
        with self.scene.report.timed("start-up"):
            while not self._serves():
                self.cluster.supervise()
                if late := [p for p in self.cluster.parts.values() if p.is_late()]:
                    raise RuntimeError(f"{late[0].name} did not start:\n{late[0].tail()}")
                pause(0.02)

    def _serves(self) -> bool:
        ready = self.cluster.ready()
        starting = len(self.cluster.parts) - len(ready)
        return {"gateway", "worker"} <= {p.role for p in ready} and starting <= MOST_STARTING

    def _ready_one(self, role: str) -> Part:
        """A process of this role, once there is one that is ready."""
        while not (found := [p for p in self.cluster.ready() if p.role == role]):
            self.cluster.supervise()
            pause(0.02)
        return self.scene.random.choice(found)

    # --- turns: faults that are no kill ---

    def turn(self, name: str) -> None:
        """One fault by name; whatever it ended is started again."""
        scene = self.scene
        self._wait_for_some()
        scene.wait_calm(2)
        scene.report.faults[name] += 1
        scene.load.burst(8)
        pause(scene.random.uniform(0.05, 0.4))
        with scene.report.timed(name):
            self.turns[name]()

    def _freeze_worker(self) -> None:
        """SIGSTOP past the lease; the others take its work, and it wakes with old leases."""
        worker = self._ready_one("worker")
        with worker.frozen():
            pause(self.scene.plan.lease_s + self.scene.random.uniform(0.3, 1.5))
            self.scene.load.burst(4)
        pause(0.3)

    def _freeze_scheduler(self) -> None:
        """SIGSTOP of the one that holds the office until another has taken it."""
        self.cluster.wait_ready()
        held = self._office()
        holder = next(
            (p for p in self.cluster.of_role("scheduler") if f"/{p.pid}/" in f"{held[0]}"), None
        )
        if holder is None:
            return
        with holder.frozen():
            if until(lambda: self._office()[1] > held[1], self.scene.plan.patience_s, 0.1):
                self.scene.report.seen["a frozen scheduler replaced"] += 1
            else:
                self.scene.report.find(Wrong.UNFINISHED, "nobody replaced a frozen scheduler")
        pause(0.3)

    def _office(self) -> tuple[str, int]:
        """Who holds the office of the scheduler, and the term."""
        found = fetch_at_last(self.cluster.rows, "SELECT holder, term FROM elections")
        return (str(found[0][0]), int(found[0][1])) if found else ("", 0)

    def _drain(self, role: str) -> None:
        part = self._ready_one(role)
        code = part.drain()
        if code != 0:
            self.scene.report.find(Wrong.OUTCOME, f"the drain of {part.name} ended with {code}")
        part.spawn()

    def _restart(self, stop: Callable[[], None]) -> None:
        before = self.scene.senders.turned_away
        stop()
        self.scene.load.burst(8)
        pause(self.scene.random.uniform(0.2, 1.5))
        self.cluster.postgres.start_again()
        self.scene.report.seen["503 while Postgres was away"] += (
            self.scene.senders.turned_away - before
        )

    def _kill_sessions(self) -> None:
        """Three times in a row, while deliveries come in."""
        for _ in range(3):
            self.scene.load.burst(6)
            pause(self.scene.random.uniform(0.0, 0.2))
            killed = self.hog.kill_sessions(self.scene.random)
            self.scene.report.seen["Postgres sessions that were killed"] += killed

    def _use_up_connections(self) -> None:
        """Somebody else takes every connection the server has, while ours are killed."""
        with self.hog.all_connections() as taken:
            self.scene.report.seen["Postgres connections taken away"] += taken
            self.scene.load.burst(8)
            pause(self.scene.random.uniform(0.5, 2.0))

    def _use_up_pools(self) -> None:
        """A lock on jobs, and people who ask for them, until the gateway has no session left."""
        self._ready_one("gateway")
        before = self.scene.senders.turned_away
        crowd = Crowd(self.cluster, "/api/jobs")
        with self.hog.lock("jobs"):
            crowd.ask()
            self.scene.load.burst(20)
            pause(self.scene.random.uniform(6.0, 8.0))
        answers = crowd.answers()
        turned_away = self.scene.senders.turned_away - before + answers.count(503)
        self.scene.report.seen["503 while pools were used up"] += turned_away

    # --- the broker ---

    def _with_broker(self) -> None:
        broker, scene = self.cluster.broker, self.scene
        if broker is None:
            return
        pointers = Pointers(
            broker, self.cluster.rows, scene.random, scene.report.pointers,
            lambda: scene.load.burst(4),
        )  # fmt: skip
        self.pointers = pointers

        def flush() -> None:
            with contextlib.suppress(OSError):
                broker.flush()

        def restart() -> None:
            broker.kill()
            scene.load.burst(8)
            pause(scene.random.uniform(0.2, 1.5))
            broker.start()

        self.turns["broker emptied"] = flush
        self.turns["broker killed, back with nothing"] = restart
        for kind in pointers.kinds:
            self.turns[f"pointers {kind}"] = lambda kind=kind: pointers.make(kind)  # type: ignore[misc]

"""A small GitHub at the port: what the product writes there, reads there, and how that fails.

It keeps what the real one keeps of comments, reactions, issues and check runs, and every creation
and edit with its instant. A write may be applied though the answer is lost, and up to ten seconds
after it was sent.
"""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookyard.adapters.github.port import (
    GitHubFailed,
    GitHubLimited,
    GitHubMissing,
    GitHubResponse,
    GitHubUnclear,
)
from hookyard.kit.clock import from_rfc3339, to_rfc3339
from tests.simulation.clock import START_MS
from tests.simulation.world import Process, World

APP_ID = 77
SLUG = "yard"
INSTALLATION = 5
USUAL_S = 0.15
# spec: docs.github.com, REST API: a request that takes more than 10 seconds is terminated.
LATEST_S = 9.5
# why: nothing can tell a process that stood still for long between its last look at the clock and
# the first byte of its request; it is not promised what follows then.
BRIEFLY_S = 14.0
_COMMENTS = re.compile(r"/repos/([^/]+/[^/]+)/issues/(\d+)/comments")
_COMMENT = re.compile(r"/repos/([^/]+/[^/]+)/issues/comments/(\d+)")
_REACTIONS = re.compile(r"/repos/([^/]+/[^/]+)/issues/(comments/)?(\d+)/reactions")
_ISSUES = re.compile(r"/repos/([^/]+/[^/]+)/issues")
_ISSUE = re.compile(r"/repos/([^/]+/[^/]+)/issues/(\d+)")
_RUNS = re.compile(r"/repos/([^/]+/[^/]+)/check-runs")
_RUN = re.compile(r"/repos/([^/]+/[^/]+)/check-runs/(\d+)")
_RUNS_OF = re.compile(r"/repos/([^/]+/[^/]+)/commits/([0-9a-f]{40})/check-runs")


@dataclass(slots=True)
class Thing:
    """Something on GitHub: kind is comment, issue, check or reaction."""

    kind: str
    repository: str
    number: int
    id: int
    data: dict[str, Any]
    made_s: float
    made_by: str
    first: str
    edits: list[str] = field(default_factory=list)


class SimGitHub:
    """What stands there. `apply` does a write or a read at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.things: list[Thing] = []
        self.issues: dict[tuple[str, int], dict[str, Any]] = {}
        self._count = 1000

    def apply(self, who: str, method: str, path: str, body: Any, query: Any) -> Any:
        """The answer's data; GitHubMissing where nothing stands."""
        for pattern, act in (
            (_COMMENTS, self._comments),
            (_COMMENT, self._comment),
            (_REACTIONS, self._reactions),
            (_RUNS, self._runs),
            (_RUN, self._run),
            (_RUNS_OF, self._runs_of),
            (_ISSUES, self._issues),
            (_ISSUE, self._issue),
        ):
            found = pattern.fullmatch(path)
            if found is not None:
                return act(who, method, found.groups(), body or {}, query or {})
        raise AssertionError(f"the simulated GitHub does not know {method} {path}")

    def _make(
        self, who: str, kind: str, repository: str, number: int, first: str, data: Any
    ) -> dict[str, Any]:
        self._count += 1
        thing_id = self._count if kind != "issue" else number
        now_s = self.world.loop.time()
        stamp = to_rfc3339(START_MS + int(now_s * 1000))
        app = {"id": APP_ID, "slug": SLUG}
        own = {
            **data, "id": self._count, "created_at": stamp, "updated_at": stamp,
            "html_url": f"https://github.test/{repository}/{kind}/{thing_id}",
            "performed_via_github_app": app, "app": app,
        }  # fmt: skip
        self.things.append(Thing(kind, repository, number, thing_id, own, now_s, who, first))
        self.world.note(
            "github", f"{kind} {thing_id} of {repository}#{number} is made: {_line(first)}"
        )
        return own

    def _edit(self, kind: str, repository: str, thing_id: int, changes: Any, text: str) -> Any:
        for thing in self.things:
            if (thing.kind, thing.repository, thing.id) == (kind, repository, thing_id):
                thing.data.update(changes)
                thing.data["updated_at"] = to_rfc3339(START_MS + int(self.world.loop.time() * 1000))
                thing.edits.append(text)
                self.world.note(
                    "github", f"{kind} {thing_id} of {repository} is edited: {_line(text)}"
                )
                return thing.data
        raise GitHubMissing(404, "Not Found")

    def _listed(self, kind: str, repository: str, number: int | None, query: Any) -> list[Any]:
        since = query.get("since")
        since_ms = from_rfc3339(since) if since else 0
        return [
            thing.data
            for thing in self.things
            if (thing.kind, thing.repository) == (kind, repository)
            and number in (None, thing.number)
            and from_rfc3339(thing.data["updated_at"]) >= since_ms // 1000 * 1000
        ]

    def _comments(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        repository, number = at[0], int(at[1])
        if method == "GET":
            return self._listed("comment", repository, number, query)
        return self._make(who, "comment", repository, number, body["body"], dict(body))

    def _comment(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        return self._edit("comment", at[0], int(at[1]), dict(body), body["body"])

    def _reactions(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        repository, number, content = at[0], int(at[2]), body["content"]
        for thing in self.things:
            same = (thing.kind, thing.repository, thing.number, thing.first)
            if same == ("reaction", repository, number, content):
                return thing.data
        return self._make(who, "reaction", repository, number, content, dict(body))

    def _runs(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        data = {**body, "conclusion": body.get("conclusion")}
        data["output"] = _output(body, 0)
        return self._make(who, "check", at[0], 0, body["external_id"], data)

    def _run(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        if method == "GET":
            found = [t.data for t in self.things if (t.kind, t.id) == ("check", int(at[1]))]
            if not found:
                raise GitHubMissing(404, "Not Found")
            return found[0]
        standing = sum(
            thing.data["output"]["annotations_count"]
            for thing in self.things
            if (thing.kind, thing.id) == ("check", int(at[1]))
        )
        changes = {**body, "output": _output(body, standing)}
        return self._edit("check", at[0], int(at[1]), changes, body["output"]["title"])

    def _runs_of(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        found = self._listed("check", at[0], None, {})
        return [run for run in found if run["head_sha"] == at[1]]

    def _issues(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        if method == "GET":
            return self._listed("issue", at[0], None, query)
        number = 5000 + len(self.things)
        return self._make(who, "issue", at[0], number, body["body"], {**body, "number": number})

    def _issue(self, who: str, method: str, at: Any, body: Any, query: Any) -> Any:
        if method == "GET":
            issue = self.issues.get((at[0], int(at[1])))
            if issue is None:
                raise GitHubMissing(404, "Not Found")
            return dict(issue)
        return self._edit("issue", at[0], int(at[1]), dict(body), body["body"])


class GitHubCalls:
    """The GitHub port of one process."""

    def __init__(self, github: SimGitHub, process: Process) -> None:
        self._github = github
        self._process = process
        self._world = process.world
        self._faults = process.world.faults

    async def call(
        self,
        method: str,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        body: Any = None,
    ) -> GitHubResponse:
        data = await self._ask(method, path, body, query)
        return GitHubResponse(200, {}, data)

    async def pages(
        self,
        path: str,
        *,
        installation_id: int | None = None,
        query: Mapping[str, str | int] | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[Any]:
        for item in (await self._ask("GET", path, None, query))[:limit]:
            yield item

    async def permission_of(self, installation_id: int, repository: str, login: str) -> str:
        """Everybody may write; asking may fail as any call does."""
        await self._ask("GET", f"/repos/{repository}/issues", None, None)
        return "write"

    async def installation_of(self, repository: str) -> int | None:
        """The App is installed everywhere."""
        return INSTALLATION

    async def _ask(self, method: str, path: str, body: Any, query: Any) -> Any:
        fault = self._faults.pick("github")
        if fault:
            self._world.note(self._process.host, f"github: {fault} at {method} {path}")
        if fault == "limited":
            until_ms = self._process.clock.now_ms() + self._faults.random.randint(1_000, 20_000)
            raise GitHubLimited("secondary", until_ms)
        if fault == "crash-before":
            self._faults.crash(self._process)
            await self._sleep(0)
        elif fault == "stall-before":
            self._world.stall(self._process.name, self._faults.random.uniform(0.1, BRIEFLY_S))
            await self._sleep(0)
        if fault == "failed" or (fault == "undone" and method == "GET"):
            await self._sleep(USUAL_S)
            raise GitHubFailed("the simulated GitHub is down")
        return await self._exchange(method, path, body, query, fault)

    async def _exchange(self, method: str, path: str, body: Any, query: Any, fault: str) -> Any:
        answer: dict[str, Any] = {}
        random = self._faults.random
        reach_s = random.uniform(USUAL_S / 2, LATEST_S if fault == "slow" else USUAL_S)
        if fault == "late":
            reach_s = random.uniform(LATEST_S / 2, LATEST_S)
        if fault != "undone":
            self._world.outside(reach_s, self._arrive, method, path, body, query, answer)
        if fault == "crash-after":
            self._world.outside(reach_s * random.random() * 2, self._faults.crash, self._process)
        elif fault == "stall-after":
            self._faults.stall(self._process)
            await self._sleep(0)
        if fault in ("undone", "done", "late"):
            await self._sleep(reach_s if fault != "late" else reach_s * random.random() / 3)
            if method == "GET":
                raise GitHubFailed("no answer came")
            raise GitHubUnclear("no answer came")
        await self._sleep(reach_s + USUAL_S / 4)
        if "error" in answer:
            raise answer["error"]
        return answer["data"]

    def _arrive(self, method: str, path: str, body: Any, query: Any, answer: Any) -> None:
        try:
            answer["data"] = self._github.apply(str(self._process.host), method, path, body, query)
        except GitHubMissing as missing:
            answer["error"] = missing

    async def _sleep(self, seconds: float) -> None:
        await self._process.clock.sleep(seconds)


def _output(body: Any, standing: int) -> dict[str, Any]:
    """What a check run shows: the newest words, and annotations, which are only ever added to."""
    output = body["output"]
    count = standing + len(output.get("annotations", ()))
    return {"title": output["title"], "annotations_count": count}


def _line(text: str) -> str:
    return " ".join(text.split())[:90]

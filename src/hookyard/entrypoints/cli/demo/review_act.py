"""The demo's second act: from an issue's words to evidence on the pull request, and its end."""

from collections.abc import Callable
from typing import Any, Protocol

from hookyard.entrypoints.cli.demo.screen import Screen
from hookyard.entrypoints.cli.demo.server import REPOSITORY
from hookyard.kit.clock import SystemClock
from hookyard_sandbox.github.sandbox import Sandbox

CLOCK = SystemClock()
BRANCH = "cart-limit"
BODY = """The cart takes any number of pieces.

## Acceptance criteria
- [ ] a cart holds 99 pieces of one article
- [ ] one more shows an error
"""
REWRITTEN = BODY.replace("99", "50")


class Stage(Protocol):
    """What the act needs of the scenario."""

    def expect(self, text: str, holds: Callable[[], bool]) -> None:
        """Wait until it holds, and show that."""
        ...

    def send_all(self, what: str, event: str) -> None:
        """Send what GitHub emitted; the delivery of this event is `what` in the table."""
        ...


class ReviewAct:
    """Issue, pull request, red check, mended tests, green check, edited issue, stale verdict."""

    def __init__(self, stage: Stage, sandbox: Sandbox, screen: Screen) -> None:
        self._stage = stage
        self._sandbox = sandbox
        self._screen = screen

    def play(self) -> None:
        """The whole chain."""
        self._screen.act("GitHub: a pull request, judged by the criteria of its issue")
        issue = self._sandbox.create_issue(REPOSITORY, "Limit the cart", body=BODY, by="alice")
        self._stage.send_all("second issue opened", "issues")
        self._push("pass\n")
        self._sandbox.create_pull(
            REPOSITORY, BRANCH, "Limit the cart", f"Closes #{issue.number}", by="alice"
        )
        self._stage.send_all("pull request opened", "pull_request")
        self._see("without tests its check is red", "failure", "2 missing")
        self._ci("CI: one test fails", '<failure message="99 is 98"/>')
        self._see("a failing test names its criterion", "failure", "1 failed")
        self._push("limit = 99\n")
        self._stage.send_all("mended and pushed", "pull_request")
        self._see("a new commit starts without evidence", "failure", "2 missing")
        began = self._ci("CI: all tests pass", "")
        self._see("with passing tests it is green", "success", "2 of 2 criteria hold")
        took = CLOCK.monotonic() - began
        self._screen.info(f"from the run's webhook to the check: {took:.2f}s")
        self._sandbox.edit_issue(REPOSITORY, issue.number, body=REWRITTEN, by="alice")
        self._stage.send_all("issue rewritten", "issues")
        self._see("a rewrite of the issue makes the evidence stale", "failure", "1 stale")

    def _push(self, text: str) -> None:
        self._sandbox.push(REPOSITORY, {"cart.py": text}, branch=BRANCH, by="alice")

    def _ci(self, what: str, inner: str) -> float:
        """CI runs and leaves a report in a zip; when its webhook was sent."""
        report = (
            '<testsuite name="cart" tests="2"><testcase classname="tests.test_cart"'
            f' name="T1::test_limit">{inner}</testcase><testcase classname="autoqa:T2"'
            ' name="test_one_more"/></testsuite>'
        )
        files = {"autoqa-test-report.xml": report}
        conclusion = "failure" if inner else "success"
        self._sandbox.run_workflow(REPOSITORY, branch=BRANCH, files=files, conclusion=conclusion)
        began = CLOCK.monotonic()
        self._stage.send_all(what, "workflow_run")
        return began

    def _see(self, text: str, conclusion: str, title: str) -> None:
        self._stage.expect(f"{text} ({title})", lambda: self._shows(conclusion, title))

    def _shows(self, conclusion: str, title: str) -> bool:
        """Whether the newest check on the branch's tip says so."""
        view: Any = self._sandbox.view()
        repository = next(r for r in view["repositories"] if r["full_name"] == REPOSITORY)
        tip = repository["branches"][BRANCH]
        runs = [run for run in repository["check_runs"] if run["head_sha"] == tip]
        ours = [run for run in runs if run["name"] == "hookyard/criteria"]
        newest = max(ours, key=lambda run: int(run["id"]), default=None)
        return (
            newest is not None
            and newest["conclusion"] == conclusion
            and title in (newest["title"] or "")
        )

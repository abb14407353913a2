"""What people do with checks and merge queues; part of `acts.People`."""

from hookyard.kit.json import Json
from hookyard_sandbox.github import checkchanges, repochanges
from hookyard_sandbox.github.changes import about
from hookyard_sandbox.github.model import Actor, Commit, Repository
from hookyard_sandbox.github.shapes import checks
from hookyard_sandbox.github.state import World


class CheckActs:
    """Acts on checks and merge queues; each takes the world's lock."""

    world: World

    def rerequest_check(self, repository: str, run_id: int, *, by: str = "octocat") -> None:
        """Press "Re-run" on a check."""
        it = self._of(repository)
        with self.world.lock:
            run = it.check_runs[run_id]
            checkchanges.rerequest(self.world, it, self._who(by), run)

    def press(self, repository: str, run_id: int, identifier: str, *, by: str = "octocat") -> None:
        """Press a button that an App put on its check run; KeyError when there is none such.

        # spec: docs.github.com, webhook event check_run, action requested_action.
        """
        it = self._of(repository)
        with self.world.lock:
            run = it.check_runs[run_id]
            if identifier not in {one["identifier"] for one in run.actions}:
                raise KeyError(identifier)
            who = self._who(by)
            self.world.record("check_run", "requested_action", who, repository=it.full_name)
            payload: dict[str, Json] = {"action": "requested_action"}
            payload["check_run"] = checks.check_run(self.world.api_url, it, run)
            payload["requested_action"] = {"identifier": identifier}
            self.world.announce("check_run", it, payload | about(self.world, it, who.user))

    def rerequest_suite(self, repository: str, sha: str, *, by: str = "octocat") -> None:
        """Press "Re-run all checks" on a commit; every App with a suite there is told.

        # spec: docs.github.com, webhook event check_suite, action rerequested.
        """
        it = self._of(repository)
        with self.world.lock:
            who = self._who(by)
            for (app_id, head_sha), suite_id in it.suites.items():
                if head_sha != sha:
                    continue
                suite: dict[str, Json] = {
                    "id": suite_id,
                    "head_sha": sha,
                    "status": "queued",
                    "conclusion": None,
                    "app": {"id": app_id},
                    "pull_requests": [],
                }
                payload: dict[str, Json] = {"action": "rerequested", "check_suite": suite}
                self.world.announce("check_suite", it, payload | about(self.world, it, who.user))

    def queue_merge(self, repository: str, number: int, *, by: str = "octocat") -> Commit:
        """Put a pull request into the merge queue: a group is made, and checks are asked for.

        # spec: docs.github.com, webhook event merge_group, action checks_requested.
        """
        it = self._of(repository)
        with self.world.lock:
            pull = it.issues[number].pull
            if pull is None:
                raise KeyError(number)
            base_sha, who = it.branches[pull.base_ref], self._who(by)
            branch = f"gh-readonly-queue/{pull.base_ref}/pr-{number}-{base_sha}"
            made = repochanges.push(
                self.world, it, who, branch, {}, f"Merge pull request #{number}"
            )
            self._group(it, who, branch, made.sha, "checks_requested", base_sha, pull.base_ref)
        return made

    def leave_queue(self, repository: str, number: int, sha: str, *, by: str = "octocat") -> None:
        """Take a pull request out of the merge queue: its group is destroyed."""
        it = self._of(repository)
        with self.world.lock:
            pull = it.issues[number].pull
            if pull is None:
                raise KeyError(number)
            base_sha = it.branches[pull.base_ref]
            branch = f"gh-readonly-queue/{pull.base_ref}/pr-{number}-{base_sha}"
            self._group(it, self._who(by), branch, sha, "destroyed", base_sha, pull.base_ref)

    def _group(
        self,
        it: Repository,
        who: Actor,
        branch: str,
        sha: str,
        action: str,
        base_sha: str,
        base_ref: str,
    ) -> None:
        group: dict[str, Json] = {
            "head_sha": sha,
            "head_ref": f"refs/heads/{branch}",
            "base_sha": base_sha,
            "base_ref": f"refs/heads/{base_ref}",
            "head_commit": {"id": sha},
        }
        payload: dict[str, Json] = {"action": action, "merge_group": group}
        self.world.announce("merge_group", it, payload | about(self.world, it, who.user))

    def _of(self, full_name: str) -> Repository:
        return self.world.repositories[full_name.lower()]

    def _who(self, login: str) -> Actor:
        return Actor(self.world.user(login))

"""What people and their CI do with workflow runs; part of `acts.People`."""

import base64
import io
import zipfile
from collections.abc import Mapping

from hookyard_sandbox.github import checkchanges, runchanges
from hookyard_sandbox.github.model import Actor, Artifact, Repository, WorkflowRun
from hookyard_sandbox.github.state import World

CI = "github-actions[bot]"


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    """A zip with these members."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return held.getvalue()


class RunActs:
    """Acts on workflow runs; each takes the world's lock."""

    world: World

    def start_run(
        self,
        repository: str,
        *,
        branch: str = "main",
        sha: str | None = None,
        name: str = "Tests",
        event: str = "pull_request",
        head_repository: str | None = None,
    ) -> WorkflowRun:
        """A workflow starts on a branch's tip, or on `sha`; of a fork where one is named."""
        world, it = self.world, self._repository(repository)
        with world.lock:
            head = self._repository(head_repository or repository)
            commit = sha or head.branches[branch]
            suite_app = next(iter(world.apps.values()), None)
            suite = (
                world.new_id()
                if suite_app is None
                else checkchanges.suite_of(world, it, suite_app, commit)
            )
            now = world.now_ms()
            run = WorkflowRun(
                id=world.new_id(),
                number=len(it.runs) + 1,
                name=name,
                path=f".github/workflows/{name.lower().replace(' ', '-')}.yml",
                event=event,
                head_branch=branch,
                head_sha=commit,
                head_repository=head.full_name,
                actor=world.user("octocat"),
                suite_id=suite,
                created_at_ms=now,
                started_at_ms=now,
                updated_at_ms=now,
                pulls=runchanges.pulls_of(it, head, branch, commit),
            )
            runchanges.add(world, it, self._ci(), run)
        return run

    def upload_artifact(
        self,
        repository: str,
        run_id: int,
        name: str = "autoqa-test-report",
        *,
        files: Mapping[str, str | bytes] | None = None,
        data: bytes | None = None,
        data_base64: str | None = None,
    ) -> Artifact:
        """An artifact of a run: `files` are zipped; `data` is the zip itself, whatever it is."""
        if data_base64 is not None:
            data = base64.b64decode(data_base64)
        it = self._repository(repository)
        content = zip_of(files or {}) if data is None else data
        with self.world.lock:
            return runchanges.upload(self.world, it, self._ci(), it.runs[run_id], name, content)

    def finish_run(self, repository: str, run_id: int, conclusion: str = "success") -> WorkflowRun:
        """A run ends; Apps are told."""
        it = self._repository(repository)
        with self.world.lock:
            run = it.runs[run_id]
            runchanges.finish(self.world, it, self._ci(), run, conclusion)
        return run

    def rerun(self, repository: str, run_id: int) -> WorkflowRun:
        """Somebody starts another attempt; artifacts of earlier ones stay."""
        it = self._repository(repository)
        with self.world.lock:
            run = it.runs[run_id]
            runchanges.again(self.world, it, self._ci(), run)
        return run

    def expire_artifact(self, repository: str, artifact_id: int) -> None:
        """An artifact's time is over."""
        it = self._repository(repository)
        with self.world.lock:
            for run in it.runs.values():
                for one in run.artifacts:
                    if one.id == artifact_id:
                        one.expired = True

    def run_workflow(
        self,
        repository: str,
        *,
        branch: str = "main",
        files: Mapping[str, str | bytes] | None = None,
        conclusion: str = "success",
        artifact: str = "autoqa-test-report",
        head_repository: str | None = None,
        name: str = "Tests",
    ) -> WorkflowRun:
        """A whole run: started, one artifact with these files, finished."""
        run = self.start_run(repository, branch=branch, name=name, head_repository=head_repository)
        if files is not None:
            self.upload_artifact(repository, run.id, artifact, files=files)
        return self.finish_run(repository, run.id, conclusion)

    def _repository(self, full_name: str) -> Repository:
        return self.world.repositories[full_name.lower()]

    def _ci(self) -> Actor:
        return Actor(self.world.user(CI, "Bot"))

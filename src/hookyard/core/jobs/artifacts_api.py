"""Artifacts of jobs over HTTP: list them, and be sent to where one can be saved."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import RedirectResponse

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Id, Require, visible
from hookyard.core.identity.model import Action, Actor
from hookyard.core.jobs.artifacts import NAME, Artifact, Artifacts
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import to_rfc3339

LINK_S = 300
ArtifactName = Annotated[str, Path(pattern=NAME)]


@dataclass(frozen=True, slots=True)
class ArtifactOut:
    """A file of a job. `size` in bytes; `url` leads to it, for those who may see the job."""

    name: str
    size: int
    sha256: str
    content_type: str
    created_at: str
    url: str


@dataclass(frozen=True, slots=True)
class ArtifactsOut:
    """Every file of a job, by name; a job has so few that they make one page."""

    items: list[ArtifactOut]
    next_cursor: None = None


def router(database: Database, ledger: Ledger, artifacts: Artifacts, require: Require) -> APIRouter:
    """The routes under /api/jobs/{job_id}/artifacts. Agents add files through their leases."""
    routes = APIRouter(prefix="/api/jobs/{job_id}/artifacts", tags=["jobs"])
    reader = Depends(require(Action.JOBS_READ))

    @routes.get("")
    async def list_artifacts(actor: Annotated[Actor, reader], job_id: Id) -> ArtifactsOut:
        """The files a job left behind."""

        def look(unit: Unit) -> ArtifactsOut:
            visible(actor, Action.JOBS_READ, ledger.get(unit, job_id).repository, "job")
            return ArtifactsOut([artifact_out(job_id, a) for a in artifacts.list(unit, job_id)])

        return await database.read(look)

    @routes.get(
        "/{name}",
        status_code=302,
        response_class=RedirectResponse,
        responses={302: {"description": "The file, at a signed address good for five minutes."}},
    )
    async def get_artifact(
        actor: Annotated[Actor, reader], job_id: Id, name: ArtifactName
    ) -> RedirectResponse:
        """Go to one file of a job, to save it."""

        def look(unit: Unit) -> Artifact:
            visible(actor, Action.JOBS_READ, ledger.get(unit, job_id).repository, "job")
            return artifacts.get(unit, job_id, name)

        found = await database.read(look)
        return RedirectResponse(await artifacts.link(found, LINK_S), 302)

    return routes


def artifact_out(job_id: str, artifact: Artifact) -> ArtifactOut:
    """An artifact as it looks on the wire."""
    return ArtifactOut(
        artifact.name,
        artifact.size,
        artifact.sha256,
        artifact.content_type,
        to_rfc3339(artifact.created_at_ms),
        f"/api/jobs/{job_id}/artifacts/{artifact.name}",
    )

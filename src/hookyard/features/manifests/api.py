"""The route of manifests: the newest of a pull request, or that of one commit.

The answer is the document as it is stored, byte for byte; `ETag` is its digest. A repository the
caller may not see answers as one that does not exist.
"""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from hookyard.adapters.database.port import Database
from hookyard.core.identity.gate import Name, Owner, Require, visible
from hookyard.core.identity.model import Action, Actor
from hookyard.features.manifests.schema import document_schema
from hookyard.features.manifests.service import Manifests
from hookyard.kit.errors import NotFound
from hookyard.kit.names import MAX_NUMBER

Number = Annotated[int, Path(ge=1, le=MAX_NUMBER)]
Sha = Annotated[
    str | None,
    Query(pattern=r"^[0-9a-f]{40}$", description="The head commit; the newest known by default."),
]
_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {
        "description": "The manifest.",
        "content": {"application/json": {"schema": document_schema()}},
    },
    304: {"description": "The caller has it already."},
}


def router(database: Database, manifests: Manifests, require: Require) -> APIRouter:
    """The routes. `require(action)` is a dependency that gives the Actor or refuses."""
    routes = APIRouter(prefix="/api/repos/{owner}/{repo}/prs", tags=["pull requests"])
    reader = Depends(require(Action.REVIEWS_READ))

    @routes.get("/{number}/manifest", responses=_ANSWERS, response_class=Response)
    async def show_manifest(
        request: Request,
        owner: Owner,
        repo: Name,
        number: Number,
        actor: Annotated[Actor, reader],
        sha: Sha = None,
    ) -> Response:
        """What a pull request changes, the tests that are known, what is missing."""
        name = f"{owner}/{repo}"
        visible(actor, Action.REVIEWS_READ, name, "repository")
        kept = await database.read(lambda unit: manifests.find(unit, name, number, sha))
        if kept is None:
            raise NotFound("no manifest is known for this pull request")
        etag = f'"{hashlib.sha256(kept.document).hexdigest()}"'
        headers = {"etag": etag}
        if etag in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(kept.document, media_type="application/json", headers=headers)

    return routes

"""What the files and archived logs of jobs weigh, by the repository of each job."""

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.blobs.model import OwnerKind, Weighed
from hookyard.core.blobs.service import sizes_after

PORTION = 500
_OWNERS = (OwnerKind.JOB, OwnerKind.JOB_LOG)
_REPOSITORIES = RawSql(
    "SELECT id, repository FROM jobs WHERE id IN (SELECT value FROM json_each($1))",
    "SELECT id, repository FROM jobs WHERE id = ANY($1::text[])",
)


def weigh_files(unit: Unit, after: str) -> Weighed:
    """A portion of the blobs of jobs, from the key after this one."""
    found = sizes_after(unit, _OWNERS, after, PORTION)
    if not found:
        return Weighed({}, None)
    rows = unit.fetch_raw(_REPOSITORIES, sorted({owner for _, owner, _ in found}))
    known = {str(job_id): str(repository or "").lower() for job_id, repository in rows}
    sizes: dict[str, int] = {}
    for _, owner, size in found:
        repository = known.get(owner, "")
        sizes[repository] = sizes.get(repository, 0) + size
    return Weighed(sizes, found[-1][0] if len(found) == PORTION else None)

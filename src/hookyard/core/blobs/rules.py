"""Names of blobs, and which blobs nobody can still be about to name; pure."""

from collections.abc import Sequence

from hookyard.adapters.blobs.port import BlobInfo
from hookyard.core.blobs.model import Area, Judged
from hookyard.kit.ids import instant_of, is_id

DAY_MS = 86_400_000
# why: the first characters of an id are its time; five make a new folder every nine hours.
FOLDER = 5
_AREAS = frozenset(area.value for area in Area)


def key_for(area: Area, blob_id: str) -> str:
    """Where a blob of this id lies: `deliveries/01jd5/01jd5…`. Names sort by time."""
    return f"{area.value}/{blob_id[:FOLDER]}/{blob_id}"


def made_at_ms(key: str) -> int | None:
    """When a key was made; None when it is none that we make."""
    area, _, rest = key.partition("/")
    folder, _, blob_id = rest.partition("/")
    if area not in _AREAS or not is_id(blob_id) or folder != blob_id[:FOLDER]:
        return None
    return instant_of(blob_id)


def judge(items: Sequence[BlobInfo], now_ms: int) -> Judged:
    """Which blobs of a page are ours and older than a day, by our clock and by the store's.

    # why: a blob is written before the row that names it, so a young one may still be claimed.
    """
    before_ms = now_ms - DAY_MS
    suspects = [
        info.key
        for info in items
        if info.modified_ms < before_ms
        and (made_ms := made_at_ms(info.key)) is not None
        and made_ms < before_ms
    ]
    return Judged(suspects, len(items) - len(suspects))

"""Naming blobs inside the transaction that needs them, and letting go of them after it."""

from collections.abc import Iterable, Sequence

import structlog

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.database.port import Unit
from hookyard.core.blobs import store
from hookyard.core.blobs.model import BlobRef, OwnerKind
from hookyard.kit.errors import Unavailable

log = structlog.get_logger("hookyard.blobs")


def name_blob(unit: Unit, ref: BlobRef) -> str | None:
    """Name a blob that is durable already; the key of the one it takes the place of, if any.

    Whoever gets such a key deletes that blob with `let_go`, after the commit.
    """
    before = store.one(unit, ref.owner_kind, ref.owner_id, ref.name)
    if before is not None:
        store.remove(unit, [before.key])
    store.add(unit, ref)
    return None if before is None else before.key


def blobs_of(unit: Unit, kind: OwnerKind, owner_id: str) -> Sequence[BlobRef]:
    """Everything an owner has, by name."""
    return store.of(unit, kind, owner_id)


def find_blob(unit: Unit, kind: OwnerKind, owner_id: str, name: str) -> BlobRef | None:
    """What an owner has under a name."""
    return store.one(unit, kind, owner_id, name)


def named_blobs(unit: Unit, keys: Sequence[str]) -> set[str]:
    """Which of these keys some row names."""
    return store.named(unit, keys)


def forget_blobs(unit: Unit, kind: OwnerKind, owner_ids: Sequence[str]) -> Sequence[str]:
    """Forget what these owners have; the keys, for `let_go` once the transaction is on disk."""
    if not owner_ids:
        return ()
    keys = store.keys_of(unit, kind, owner_ids)
    if keys:
        store.remove(unit, keys)
    return keys


def sizes_after(
    unit: Unit, kinds: Sequence[OwnerKind], after: str, limit: int
) -> Sequence[tuple[str, str, int]]:
    """(key, owner, bytes) of what owners of these kinds have, by key."""
    return store.sizes_after(unit, kinds, after, limit)


async def let_go(blobs: Blobs, keys: Iterable[str]) -> int:
    """Delete blobs that no row names any more; how many went.

    # why: a store that is away costs nothing but space: the sweep takes what is left behind.
    """
    gone = 0
    for key in keys:
        try:
            await blobs.delete(key)
        except Unavailable as error:
            log.warning("blobs_left_behind", reason=error.detail)
            return gone
        gone += 1
    return gone

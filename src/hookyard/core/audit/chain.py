"""The chain of the audit trail: what is hashed, and how a trail is verified. Pure.

Each tenant has one chain. Its entries are numbered from 1 without a gap, and each holds the hash
of the one before it (64 zeros before the first). The hash of an entry is the SHA-256, in
hexadecimal, of its fields as netstrings (length in bytes, a colon, the bytes, a comma): the word
`hookyard.audit.v1`, then tenant, seq, prev, id, at_ms, actor, action, target, outcome, reason,
detail. Numbers are decimal, text is UTF-8, and `detail` is the JSON text exactly as it is kept.

A checkpoint is a signed statement that entry `seq` of a tenant has this hash. One of kind `purge`
says besides that everything up to it may be gone. Its signature is over netstrings too: the word
`hookyard.audit.checkpoint.v1`, then kind, tenant, seq, hash, at_ms.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

GENESIS = "0" * 64
ENTRY = "hookyard.audit.v1"
CHECKPOINT = "hookyard.audit.checkpoint.v1"

CheckpointKind: TypeAlias = Literal["seal", "purge"]
Trust: TypeAlias = Callable[["Checkpoint"], str]
"""Why a checkpoint's signature is not to be trusted, or ""."""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it is hashed; `detail` is JSON text, `hash` what the entry says of itself."""

    tenant: str
    seq: int
    prev: str
    id: str
    at_ms: int
    actor: str
    action: str
    target: str
    outcome: str
    reason: str
    detail: str
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a chain: 0 and GENESIS where there is none."""

    tenant: str
    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement about one entry; `key` is the signer's public key, hexadecimal."""

    kind: CheckpointKind
    tenant: str
    seq: int
    hash: str
    at_ms: int
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a trail does not hold, and what is wrong there."""

    seq: int
    what: str


def netstrings(*parts: str | int) -> bytes:
    """The parts one after the other, each as a netstring."""
    found = bytearray()
    for part in parts:
        raw = str(part).encode()
        found += b"%d:%b," % (len(raw), raw)
    return bytes(found)


def hash_of(link: Link) -> str:
    """What the hash of an entry has to be."""
    return hash_fields(
        link.tenant, link.seq, link.prev, link.id, link.at_ms, link.actor, link.action,
        link.target, link.outcome, link.reason, link.detail,
    )  # fmt: skip


def hash_fields(*fields: str | int) -> str:
    """The same of the fields themselves, in the order of `Link`."""
    return hashlib.sha256(netstrings(ENTRY, *fields)).hexdigest()


def signed_of(kind: CheckpointKind, tenant: str, seq: int, entry_hash: str, at_ms: int) -> bytes:
    """What the signature of a checkpoint is over."""
    return netstrings(CHECKPOINT, kind, tenant, seq, entry_hash, at_ms)


@dataclass(slots=True)
class Verifier:
    """Reads a chain from its first kept entry to its head and says where it breaks first.

    Checkpoints first, then every entry in the order of `seq`, then `end`. Entries that a purge
    left behind are read, too, but nothing is asked of them.
    """

    head: Head
    trust: Trust
    entries: int = 0
    checkpoints: int = 0
    broken: Broken | None = None
    _hashes: dict[int, str] = field(default_factory=dict)
    _purged: Checkpoint | None = None
    _last: Head | None = None

    @property
    def last_seq(self) -> int:
        """The number of the last entry that was read; 0 before the first."""
        return 0 if self._last is None else self._last.seq

    def checkpoint(self, found: Checkpoint) -> None:
        """Take in a checkpoint."""
        self.checkpoints += 1
        why = "it is of another tenant" if found.tenant != self.head.tenant else self.trust(found)
        if why:
            self._break(found.seq, f"the checkpoint at entry {found.seq} does not count: {why}")
            return
        if found.seq > self.head.seq:
            self._break(
                found.seq, f"entry {found.seq} was signed, but the trail ends at {self.head.seq}"
            )
        if self._hashes.setdefault(found.seq, found.hash) != found.hash:
            self._break(found.seq, f"two checkpoints at entry {found.seq} contradict each other")
        if found.kind == "purge" and (self._purged is None or found.seq > self._purged.seq):
            self._purged = found

    def entry(self, link: Link) -> None:
        """Take in the next entry."""
        if self._last is None:
            self._last = self._start()
        if link.tenant == self.head.tenant and self._purged and link.seq <= self._purged.seq:
            return
        self.entries += 1
        why = self._why_wrong(link, self._last)
        if why:
            self._break(*why)
        self._last = Head(link.tenant, link.seq, link.hash)

    def end(self) -> Broken | None:
        """There are no more entries; the first place where the trail broke, or None."""
        last = self._last or self._start()
        if last.seq < self.head.seq:
            self._break(last.seq + 1, _missing(last.seq + 1, self.head.seq))
        elif last.seq > self.head.seq:
            self._break(self.head.seq + 1, f"entry {self.head.seq + 1} is past the trail's head")
        elif last.hash != self.head.hash:
            self._break(last.seq, f"the trail's head does not name entry {last.seq} as it is")
        return self.broken

    def _start(self) -> Head:
        """What the first entry has to follow: nothing, or the last one that was purged."""
        purged = self._purged
        if purged is None:
            return Head(self.head.tenant)
        return Head(purged.tenant, purged.seq, purged.hash)

    def _why_wrong(self, link: Link, last: Head) -> tuple[int, str] | None:
        if link.tenant != self.head.tenant:
            return link.seq, f"entry {link.seq} is of another tenant"
        if link.seq <= last.seq:
            return link.seq, f"entry {link.seq} comes after entry {last.seq}"
        if link.seq > last.seq + 1:
            return last.seq + 1, _missing(last.seq + 1, link.seq - 1)
        if link.prev != last.hash:
            return link.seq, f"entry {link.seq} does not follow the entry before it"
        if hash_of(link) != link.hash:
            return link.seq, f"entry {link.seq} ({link.id}) is not as it was written"
        signed = self._hashes.get(link.seq)
        if signed is not None and signed != link.hash:
            return link.seq, f"entry {link.seq} is not the one that was signed"
        return None

    def _break(self, seq: int, what: str) -> None:
        if self.broken is None or seq < self.broken.seq:
            self.broken = Broken(seq, what)


def _missing(first: int, last: int) -> str:
    if first == last:
        return f"entry {first} is missing"
    return f"entries {first} to {last} are missing"


def link_of(raw: Mapping[str, object]) -> Link:
    """An entry out of an export; ValueError when it is none."""
    values: dict[str, str | int] = {}
    for name in Link.__slots__:
        wanted = int if name in ("seq", "at_ms") else str
        value = raw.get(name)
        if type(value) is not wanted:
            raise ValueError(f"an entry's {name} is missing or no {wanted.__name__}")
        values[name] = value
    return Link(**values)  # type: ignore[arg-type]


def checkpoint_of(raw: Mapping[str, object]) -> Checkpoint:
    """A checkpoint out of an export; ValueError when it is none."""
    values: dict[str, str | int] = {}
    for name in Checkpoint.__slots__:
        wanted = int if name in ("seq", "at_ms") else str
        value = raw.get(name)
        if type(value) is not wanted:
            raise ValueError(f"a checkpoint's {name} is missing or no {wanted.__name__}")
        values[name] = value
    if values["kind"] not in ("seal", "purge"):
        raise ValueError("a checkpoint is of kind seal or purge")
    return Checkpoint(**values)  # type: ignore[arg-type]

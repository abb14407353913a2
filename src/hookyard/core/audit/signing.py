"""The key that signs checkpoints of the audit trail: Ed25519, so that who verifies cannot sign.

# spec: RFC 8032; the seed has 32 bytes, as has the public key, and a signature has 64.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hookyard.core.audit.chain import Checkpoint, CheckpointKind, Head, Trust, signed_of
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.secret import Secret

SEED_BYTES = 32


class AuditKey:
    """Signs with the first seed; the public keys of all of them are `trusted`."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seeds[0])
        self.public = _public(seeds[0])
        self.trusted = tuple(_public(seed) for seed in seeds)

    def __repr__(self) -> str:
        return f"AuditKey(public={self.public!r})"

    def sign(self, kind: CheckpointKind, head: Head, at_ms: int) -> Checkpoint:
        """A checkpoint at this entry."""
        said = signed_of(kind, head.tenant, head.seq, head.hash, at_ms)
        signature = self._private.sign(said).hex()
        return Checkpoint(kind, head.tenant, head.seq, head.hash, at_ms, self.public, signature)


def trust(keys: Sequence[str]) -> Trust:
    """Trusts what one of these public keys has signed; with none, whatever key a checkpoint names
    as its own, which shows changes but not who made them."""

    def judge(found: Checkpoint) -> str:
        if keys and found.key not in keys:
            return f"it is signed by the unknown key {found.key[:16]}…"
        said = signed_of(found.kind, found.tenant, found.seq, found.hash, found.at_ms)
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(found.key))
            public.verify(bytes.fromhex(found.signature), said)
        except (InvalidSignature, ValueError):
            return "its signature is wrong"
        return ""

    return judge


def seed_of(text: str) -> bytes:
    """A seed from its 64 hexadecimal digits; ValueError when it is none."""
    seed = bytes.fromhex(text.strip())
    if len(seed) != SEED_BYTES:
        raise ValueError(f"must be {SEED_BYTES * 2} hexadecimal digits")
    return seed


def audit_key(
    given: Sequence[Secret],
    path: Path,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> AuditKey:
    """The key of the settings, else the one in the file, made there with mode 0600 when absent.

    ConfigurationError when a seed is none, or when others can read the file.
    """
    try:
        if given:
            return AuditKey([seed_of(secret.reveal()) for secret in given])
        return AuditKey([seed_of(_read_or_create(path, random_bytes))])
    except ValueError:
        where = "HOOKYARD_AUDIT_KEY" if given else str(path)
        raise ConfigurationError(
            f"{where}: must be {SEED_BYTES * 2} hexadecimal digits, as `openssl rand -hex 32` makes"
        ) from None


def existing_key(given: Sequence[Secret], path: Path) -> AuditKey | None:
    """As `audit_key`, but None where a key would have to be made."""
    return audit_key(given, path) if given or path.exists() else None


def _read_or_create(path: Path, random_bytes: Callable[[int], bytes]) -> str:
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(random_bytes(SEED_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return _read(path)


def _read(path: Path) -> str:
    with path.open(encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(4096)
    if mode & 0o077:
        raise ConfigurationError(
            f"the audit key file {path} can be read by others (mode {mode:04o}); "
            f"run: chmod 600 {path}"
        )
    return text


def _public(seed: bytes) -> str:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()

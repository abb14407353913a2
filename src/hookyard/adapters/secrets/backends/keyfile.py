"""The local wrapping key: a file in the data folder that only its owner can read.

One key a line, in hexadecimal, the newest last. Older lines stay: a process elsewhere may be about
to store a data key that one of them wraps. A key's version is a fingerprint of it, so that a file
of another machine is known as such.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookyard.adapters.secrets.context import context_bytes
from hookyard.adapters.secrets.port import SecretDamaged, SecretTrouble, WrappedKey
from hookyard.kit.errors import ConfigurationError

PROVIDER = "local"
KEY_BYTES = 32
NONCE_BYTES = 12
MAX_KEYS = 64
_MAX_FILE = 64 * 1024


def fingerprint(key: bytes) -> str:
    """A key's version: tells keys apart and says nothing about them."""
    return hashlib.sha256(b"hookyard wrapping key\x00" + key).hexdigest()[:16]


class KeyFile:
    """See `KeyWrapper`. `path` is made with a new key at the first start."""

    provider = PROVIDER

    def __init__(
        self, path: Path, random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._path = path
        self._random = random_bytes
        self._keys: Mapping[str, bytes] = {}
        self._newest = ""
        self._stamp: tuple[int, int, int] | None = None

    def __repr__(self) -> str:
        return f"KeyFile({str(self._path)!r})"

    @property
    def key_ref(self) -> str:
        return self._path.name

    def versions(self) -> Sequence[str]:
        """The versions in the file, the newest last."""
        self._refresh()
        return tuple(self._keys)

    async def wrap(self, dek: bytes, context: Mapping[str, str]) -> WrappedKey:
        self._refresh()
        nonce = self._random(NONCE_BYTES)
        sealed = AESGCM(self._keys[self._newest]).encrypt(nonce, dek, context_bytes(context))
        return WrappedKey(PROVIDER, self.key_ref, self._newest, nonce + sealed)

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        self._refresh()
        key = self._keys.get(wrapped.key_version)
        if key is None:
            raise SecretTrouble(
                f"{self._path} does not hold the key {wrapped.key_version} that wrapped this data "
                "key; put back the file that was there, or the same file on every machine"
            )
        nonce, sealed = wrapped.blob[:NONCE_BYTES], wrapped.blob[NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, sealed, context_bytes(context))
        except (InvalidTag, ValueError):
            raise SecretDamaged("a wrapped data key was changed or belongs elsewhere") from None

    async def close(self) -> None:
        """Nothing is held open."""

    def add_key(self) -> str:
        """Append a new wrapping key and make it the newest; its version.

        Safe against being killed: the file is replaced as a whole, and keeps every older key.
        """
        with _alone(self._path):
            self._refresh()
            if len(self._keys) >= MAX_KEYS:
                raise SecretTrouble(f"{self._path} holds {MAX_KEYS} keys, and cannot hold more")
            fresh = self._random(KEY_BYTES)
            self._replace([*self._keys.values(), fresh])
        return fingerprint(fresh)

    def _replace(self, keys: Sequence[bytes]) -> None:
        draft = _draft(self._path, keys)
        draft.replace(self._path)
        _sync_folder(self._path.parent)
        self._refresh()

    def _refresh(self) -> None:
        """Read the file again where it changed; make it where there is none."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._create()
            found = self._path.stat()
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp == self._stamp:
            return
        keys = _read(self._path)
        self._keys = {fingerprint(key): key for key in keys}
        self._newest = fingerprint(keys[-1])
        self._stamp = stamp

    def _create(self) -> None:
        """Of several processes that start at once, all get the same key."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = _draft(self._path, [self._random(KEY_BYTES)])
            try:
                with contextlib.suppress(FileExistsError):
                    os.link(draft, self._path)
            finally:
                draft.unlink()
            _sync_folder(self._path.parent)
        except OSError as error:
            raise ConfigurationError(
                f"HOOKYARD_DATA_DIR: cannot write {self._path}: {error.strerror}"
            ) from None


def _draft(path: Path, keys: Sequence[bytes]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.writelines(f"{key.hex()}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time changes the file; the lock ends with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> list[bytes]:
    with path.open(encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(_MAX_FILE)
    if mode & 0o077:
        raise ConfigurationError(
            f"the key file {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}"
        )
    try:
        keys = [bytes.fromhex(line) for line in text.split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ConfigurationError(
            f"{path} holds no usable key; put back a copy: without it nothing that was sealed "
            "can be read"
        )
    return keys

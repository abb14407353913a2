"""The admin key: made at first start, kept in one file only its owner can read."""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hookyard.core.identity.keys import ADMIN_ID, SECRET_BYTES, make_token
from hookyard.kit.errors import ConfigurationError

MIN_LENGTH = 16


@dataclass(frozen=True, slots=True)
class AdminKey:
    """The key and whether it was made just now, which is when it is shown."""

    token: str
    created: bool

    def __repr__(self) -> str:
        return f"AdminKey(token='…', created={self.created})"


def load_or_create_admin_key(
    path: Path, random_bytes: Callable[[int], bytes] = secrets.token_bytes
) -> AdminKey:
    """The admin key in the file, or a new one written there with mode 0600.

    Of several processes that start at once, all get the same key. ConfigurationError when others
    can read the file, or when it holds no usable key.
    """
    with contextlib.suppress(FileNotFoundError):
        return AdminKey(_read(path), created=False)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = make_token(ADMIN_ID, random_bytes(SECRET_BYTES))
    try:
        _write_new(path, token)
    except FileExistsError:
        return AdminKey(_read(path), created=False)
    return AdminKey(token, created=True)


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        token = file.read(4096).strip()
    if mode & 0o077:
        raise ConfigurationError(
            f"the admin key file {path} can be read by others (mode {mode:04o}); "
            f"run: chmod 600 {path}"
        )
    if len(token) < MIN_LENGTH or len(token) > 512 or not token.isascii():
        raise ConfigurationError(
            f"the admin key file {path} holds no usable key; delete it to have a new one made"
        )
    return token


def _write_new(path: Path, token: str) -> None:
    """Write beside the path, then link: the file appears whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()

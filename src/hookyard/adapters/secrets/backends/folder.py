"""Secrets as files of a folder, such as a mounted Kubernetes secret.

A secret is the file named as its setting (`GITHUB_WEBHOOK_SECRET` or `github-webhook-secret`), and
the previous one the same name with `.previous`. A file is read again when it has changed. Neither
the folder nor a file may be readable by everybody.

# why: Kubernetes swaps a mounted secret by renaming a link, so the inode tells of a change that a
# coarse modification time may not.
"""

import os
import stat
from pathlib import Path

from hookyard.adapters.secrets import names
from hookyard.adapters.secrets.port import (
    MAX_SECRET,
    PREVIOUS,
    SecretDamaged,
    SecretDenied,
    SecretMissing,
    SecretUnreachable,
    SecretValue,
)
from hookyard.kit.clock import Clock
from hookyard.settings.appfile import sync_folder, write_private

_OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP


class FolderSource:
    """See `WritableSource`."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._read: dict[Path, tuple[tuple[int, int, int], bytes]] = {}
        self.label = f"file:{folder}"

    def __repr__(self) -> str:
        return f"FolderSource({str(self._folder)!r})"

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        if version not in (None, PREVIOUS):
            raise SecretMissing(f"{self.label} keeps no version {version} of {ref}")
        suffix = ".previous" if version == PREVIOUS else ""
        await self.probe()
        for name in _names(ref):
            found = self._one(self._folder / f"{name}{suffix}")
            if found is not None:
                return found
        raise SecretMissing(f"{self.label} has no {names.plain(ref)}{suffix}")

    async def probe(self) -> None:
        try:
            with os.scandir(self._folder):
                return
        except OSError as error:
            raise SecretUnreachable(f"{self.label} cannot be read: {error.strerror}") from None

    async def close(self) -> None:
        self._read.clear()

    async def put(self, ref: str, value: bytes, *, keep_previous: bool = False) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._path(ref)
            if keep_previous and path.exists():
                before = self._one(path)
                if before is not None and before.value != value:
                    write_private(_previous(path), before.value)
            write_private(path, value)
        except OSError as error:
            raise SecretDenied(f"{self.label} cannot be written: {error.strerror}") from None

    async def drop_previous(self, ref: str) -> None:
        try:
            for name in _names(ref):
                (self._folder / f"{name}.previous").unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            raise SecretDenied(f"{self.label} cannot be written: {error.strerror}") from None

    def _path(self, ref: str) -> Path:
        """Where a secret stands, or will: the name it is found under now, else the dashed one."""
        paths = [self._folder / name for name in _names(ref)]
        return next((path for path in paths if path.exists()), paths[-1])

    def _one(self, path: Path) -> SecretValue | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            self._read.pop(path, None)
            return None
        except OSError as error:
            raise SecretDenied(f"{path} cannot be read: {error.strerror}") from None
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            self._refuse_open_one(path, found)
            stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
            known = self._read.get(path)
            value = known[1] if known and known[0] == stamp else file.read(MAX_SECRET + 1)
        if len(value) > MAX_SECRET:
            raise SecretDamaged(f"{path} is over {MAX_SECRET} bytes")
        self._read[path] = (stamp, value)
        if not value.strip():
            raise SecretDamaged(f"{path} is empty")
        return SecretValue(value.strip(), f"{stamp[0]}-{stamp[1]}", self._clock.now_ms())

    def _refuse_open_one(self, path: Path, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise SecretDenied(f"{path} is no plain file")
        if found.st_mode & _OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            raise SecretDenied(
                f"{path} can be read by everybody or changed by others (mode {mode:04o}); "
                f"run: chmod 600 {path}"
            )


def _names(ref: str) -> list[str]:
    """What the file of a secret may be called, in the order it is looked for."""
    return list(dict.fromkeys((ref, names.plain(ref), names.dashed(ref))))


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")

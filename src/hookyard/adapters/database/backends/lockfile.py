"""The writer's lock: one process at a time may write a database file."""

import fcntl
import os
from pathlib import Path

from hookyard.kit.errors import ConfigurationError

NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "glusterfs", "ceph"}
)


class WriterLock:
    """An advisory lock on a file beside the database; the kernel drops it if we die."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; ConfigurationError names the process that holds it."""
        refuse_network_file_system(self._database)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise ConfigurationError(
                f"another Hookyard process (pid {holder}) already writes {self._database}; "
                "stop it, or set DATABASE_URL to Postgres to run several processes"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go; the file stays."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def refuse_network_file_system(database: Path, mounts: str | None = None) -> None:
    """ConfigurationError when the file would lie on a network file system.

    # why: SQLite's WAL needs shared memory and locks that network file systems do not keep.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text()
        except OSError:
            return
    folder = str(database.parent.resolve())
    best, kind = "", ""
    for line in mounts.splitlines():
        parts = line.split()
        if len(parts) < 3:
            continue
        point = parts[1].replace("\\040", " ")
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, parts[2]
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConfigurationError(
            f"{database} lies on a network file system ({kind} at {best}); "
            "set HOOKYARD_DATA_DIR to a local disk, or DATABASE_URL to Postgres"
        )

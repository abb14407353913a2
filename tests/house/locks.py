"""Rules on dependencies: locked with hashes, named in the record of libraries."""

import re
from collections.abc import Iterable

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==\S+")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def normal(name: str) -> str:
    """A package's name as indexes compare it: `Prometheus_Client` is `prometheus-client`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def entries(lock: str) -> list[str]:
    """The entries of a requirements file, each with its continued lines joined."""
    joined = lock.replace("\\\n", " ")
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def lock_faults(name: str, lock: str) -> list[str]:
    """Entries without exact version or hash, options, and addresses."""
    faults = [f"{name}: names an address"] if "://" in lock else []
    for entry in entries(lock):
        if not PIN.match(entry):
            faults.append(f"{name}: not pinned: {entry.split()[0]}")
        elif not HASH.search(entry):
            faults.append(f"{name}: no hash: {entry.split()[0]}")
    return faults


def pinned(lock: str) -> dict[str, str]:
    """Version by package."""
    pins = (entry.split()[0].split("==") for entry in entries(lock) if PIN.match(entry))
    return {normal(name): version for name, version in pins}


def unlocked(wanted: Iterable[str], lock: str) -> list[str]:
    """Requirements of pyproject.toml that a lock does not hold."""
    return sorted(set(map(requirement_name, wanted)) - set(pinned(lock)))


def requirement_name(requirement: str) -> str:
    """`uvloop>=0.21; sys_platform != 'win32'` is `uvloop`."""
    match = NAME.match(requirement)
    return normal(match[0]) if match else requirement


def disagreements(locks: dict[str, str]) -> list[str]:
    """Packages that two files lock at different versions."""
    versions: dict[str, set[str]] = {}
    for lock in locks.values():
        for name, version in pinned(lock).items():
            versions.setdefault(name, set()).add(version)
    return sorted(name for name, found in versions.items() if len(found) > 1)


def unrecorded(wanted: Iterable[str], record: str) -> list[str]:
    """Dependencies that the record of libraries does not name in its table."""
    rows = [line for line in record.splitlines() if line.startswith("| ")]
    named = {normal(word) for row in rows for word in NAME.findall(row.split("|")[1])}
    return sorted(set(map(requirement_name, wanted)) - named)

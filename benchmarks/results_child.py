"""One reading of a JUnit report by Hookyard: `bare` or `stored`, and what it cost, as JSON."""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BLOCK = 64 * 1024


def blocks(path: Path) -> Iterator[bytes]:
    """The file, some at a time."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(BLOCK), b"")


def bare(path: Path) -> tuple[int, float]:
    """Cases as objects, and nothing else."""
    from hookyard.features.testruns.limits import DEFAULT
    from hookyard.features.testruns.xmlstream import XmlStream

    began = time.process_time()
    count = sum(len(cases) for cases in XmlStream(DEFAULT).batches(blocks(path)))
    return count, time.process_time() - began


async def stored(path: Path, folder: Path) -> tuple[int, float]:
    """Read, mapped, packed, and committed to SQLite."""
    from hookyard.adapters.database.backends.sqlite import SqliteDatabase
    from hookyard.adapters.database.port import METADATA
    from hookyard.features.testruns.keys import Keys
    from hookyard.features.testruns.model import ArtifactRead, MemberRead, RunFacts
    from hookyard.features.testruns.packing import Packer
    from hookyard.features.testruns.parse import parse
    from hookyard.features.testruns.service import TestRuns
    from hookyard.kit.ids import IdMaker

    database = SqliteDatabase(folder / "h.db")
    await database.write(lambda unit: METADATA.create_all(unit.connection))
    runs, now_ms = TestRuns(IdMaker()), 1_790_000_000_000
    facts = RunFacts(
        "acme/shop",
        1,
        1,
        "Tests",
        "tests.yml",
        "push",
        "success",
        "a" * 40,
        "main",
        "acme/shop",
        "",
    )
    began = time.process_time()
    keys = Keys("acme/shop", "tests.yml|report|junit.xml")
    parsed, packer = parse(lambda: blocks(path), lambda: Packer(keys, {}))
    if not isinstance(packer, Packer):
        raise RuntimeError(parsed.detail)
    packer.finish()
    read = MemberRead(
        "junit.xml",
        "tests.yml|report|junit.xml",
        parsed.dialect,
        parsed.totals,
        blocks=tuple(packer.blocks),
        notable=tuple(packer.notable),
    )
    artifact = ArtifactRead(1, "report", "sha256:0", 1, (read,))
    await database.write(lambda unit: runs.record(unit, facts, artifact, now_ms))
    await database.write(lambda unit: runs.finish(unit, facts, now_ms, None, news=True))
    took_s = time.process_time() - began
    claims = await database.read(lambda unit: runs.claims(unit, "acme/shop", "a" * 40))
    if not claims:
        raise RuntimeError("no claim was stored")
    await database.close()
    return parsed.totals.tests, took_s


def main(what: str, path: Path) -> None:
    """Do it and tell."""
    if what == "bare":
        count, took_s = bare(path)
    else:
        with tempfile.TemporaryDirectory(prefix="hookyard-bench-") as folder:
            count, took_s = asyncio.run(stored(path, Path(folder)))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cases": count, "cpu_s": took_s, "rss_mib": most}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

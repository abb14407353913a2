"""The manifest of a pull request of 300 files beside the bare parse of those files.

The files are real: modules and tests of Hookyard, modules of Python's own library, and sources of
the npm packages where those are installed. Each is changed in one to four places, from a seed. The
whole is all that follows GitHub's answers: patches read, old sides made, files classified, symbols
found and compared, tests looked up, gaps ranked, the JSON written. The bare parse is
tree-sitter's, of the new side of the same files, every grammar loaded before. Rounds alternate;
times are of the processor, as both ways use one thread.
"""

import difflib
import random
import statistics
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Figures, compare
from hookyard.features.manifests import grammars
from hookyard.features.manifests.build import Inputs, Subject, build
from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.encode import to_bytes, to_json
from hookyard.features.manifests.languages import Language, language_of
from hookyard.features.manifests.measure import Given
from hookyard.kit.hunks import read_patch

ROOT = Path(__file__).parents[1]
FILES = 300
SEED = 2_026
LEAST, MOST = 1_500, 60_000
WANTED = 2.0


@dataclass(frozen=True)
class Changed:
    """A file as GitHub would show it: path, new content, patch."""

    path: str
    language: Language
    old: bytes
    new: bytes
    patch: str


def _sources() -> Iterator[tuple[str, Path]]:
    """(path in the imagined repository, file), tests among them."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    places = (
        (ROOT / "src", "src/", "**/*.py"),
        (ROOT / "tests", "tests/", "**/test_*.py"),
        (ROOT / "node_modules", "web/", "**/*.js"),
        (ROOT / "node_modules", "web/", "**/*.ts"),
        (stdlib, "lib/", "*.py"),
        (stdlib, "lib/", "[a-m]*/*.py"),
    )
    for folder, prefix, pattern in places:
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and LEAST <= path.stat().st_size <= MOST:
                name = path.relative_to(folder).as_posix().replace("node_modules", "packages")
                yield prefix + name.replace("/dist/", "/built/"), path


def corpus(seed: int = SEED) -> list[Changed]:
    """The changed files, by path; a fifth of them tests."""
    chance = random.Random(seed)
    found = list(_sources())
    chance.shuffle(found)
    tests = [one for one in found if one[0].startswith("tests/")][: FILES // 5]
    rest = [one for one in found if not one[0].startswith("tests/")]
    chosen: list[Changed] = []
    for path, file in [*tests, *rest]:
        language = language_of(path)
        content = file.read_bytes()
        if language is None or len(chosen) >= FILES or b"\r" in content:
            continue
        if max(map(len, content.split(b"\n"))) <= grammars.MAX_LINE:
            chosen.append(_changed(path, language, content, chance))
    return sorted(chosen, key=lambda one: one.path)


def _changed(path: str, language: Language, new: bytes, chance: random.Random) -> Changed:
    """The old side is made out of the new one: lines taken out, put in, or written otherwise."""
    text = new.decode("utf-8", "replace")
    lines = text.splitlines(keepends=True)
    old = list(lines)
    for _ in range(chance.randint(1, 4)):
        plain = [n for n, line in enumerate(old) if _is_whole(line)]
        if not plain:
            break
        at, what = chance.choice(plain), chance.random()
        if what < 0.4:
            old[at] = old[at].replace("a", "b").replace("1", "2")
        elif what < 0.7:
            del old[at]
        else:
            old.insert(at, old[at])
    shown = difflib.unified_diff(old, lines, n=3)
    patch = "\n".join(line.removesuffix("\n") for line in list(shown)[2:])
    return Changed(path, language, "".join(old).encode(), text.encode(), patch)


def _is_whole(line: str) -> bool:
    """Whether a line is likely a statement by itself, so that a change leaves valid code."""
    bare = line.strip()
    balanced = all(bare.count(a) == bare.count(b) for a, b in ("()", "[]", "{}"))
    return balanced and len(bare) > 4 and bare[-1] in ")];\"'" and bare[:1].isalpha()


def whole(files: Sequence[Changed]) -> bytes:
    """All of the manifest, from patches and contents to JSON."""
    given = []
    for one in files:
        hunks, problem = read_patch(one.patch)
        diff = FileDiff(one.path, one.path, Status.MODIFIED, hunks, problem=problem)
        given.append(Given(diff, head=one.new))
    subject = Subject("acme/shop", 7, "b" * 40, "a" * 40)
    paths = frozenset(one.path for one in files)
    return to_bytes(to_json(build(Inputs(subject, given, paths=paths))))


def bare(files: Sequence[Changed], *, both: bool = False) -> None:
    """The parse alone, the shortest way there is to it."""
    from tree_sitter import Parser

    for one in files:
        grammar = grammars.grammar(one.language)
        if grammar is not None:
            parser = Parser(grammar.parsed)
            parser.parse(one.new)
            if both:
                parser.parse(one.old)


def _timed(work: object, *given: object, **named: object) -> float:
    started = time.process_time()
    work(*given, **named)  # type: ignore[operator]
    return time.process_time() - started


def measure(figures: Figures, rounds: int) -> None:
    """Both ways, one after the other, `rounds` times."""
    files = corpus()
    document = whole(files)
    bare(files)
    ours, parses, twice = [], [], []
    for _ in range(rounds):
        ours.append(_timed(whole, files))
        parses.append(_timed(bare, files))
        twice.append(_timed(bare, files, both=True))
    size = sum(len(one.new) for one in files)
    rows: list[dict[str, object]] = [
        {
            "what": what,
            "ms": round(statistics.median(times) * 1000, 1),
            "MB/s": round(size / statistics.median(times) / 1e6, 1),
        }
        for what, times in (
            ("manifest of 300 files", ours),
            ("bare parse, new sides", parses),
            ("bare parse, both sides", twice),
        )
    ]
    figures.tables["manifest of a pull request"] = rows
    figures.goals.append(
        compare(
            "manifest of a PR of 300 files", "bare parse of its files", ours, parses, WANTED,
            at_least=False,
        )
    )  # fmt: skip
    kinds = sorted({one.language.name for one in files})
    figures.note(
        f"manifest: {len(files)} files of {size / 1e6:.1f} MB ({', '.join(kinds)}); "
        f"its JSON has {len(document) / 1e3:.0f} kB"
    )

"""Puts a manifest together: the whole of it from plain values. Pure, and the same for any order
of its input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hookyard.features.manifests import coverage_json, edges, gitattributes, grammars, outline
from hookyard.features.manifests.classes import FileClass, by_path
from hookyard.features.manifests.coverage_json import Coverage
from hookyard.features.manifests.edges import Index, Known, TestFile
from hookyard.features.manifests.frameworks import CONFIG_FILES
from hookyard.features.manifests.gaps import Covered, Gap, covered_of, gap_of, ranked
from hookyard.features.manifests.languages import Language, language_of
from hookyard.features.manifests.measure import Given, Measured, measure
from hookyard.features.manifests.model import Edge, OpenCriterion, SymbolChange
from hookyard.features.manifests.moves import across_files
from hookyard.features.manifests.suggest import Ground, Suggestion, suggest
from hookyard.features.manifests.targets import Layout

MAX_SYMBOLS = 5_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a manifest is about; parts that are not known are empty."""

    repository: str = ""
    number: int | None = None
    base: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a manifest is made of.

    `paths`: every path of the repository at the head, as far as known; `tests`: contents of test
    files the pull request does not touch; `texts`: contents of `frameworks.CONFIG_FILES`;
    `together`: how often a source and a test changed in one commit; `notes`: what was cut short;
    `total_files`: how many files changed in all, where that is more than are given.
    """

    subject: Subject
    files: Sequence[Given]
    paths: frozenset[str] = frozenset()
    tests: Mapping[str, bytes] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    attributes: bytes = b""
    coverage: Coverage | None = None
    together: Mapping[tuple[str, str], int] = field(default_factory=dict)
    criteria: Sequence[OpenCriterion] = ()
    notes: Sequence[str] = ()
    total_files: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A changed symbol of a source file with its tests, and what coverage says of it."""

    symbol: SymbolChange
    tests: tuple[Edge, ...]
    covered: Covered | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What changed, what tests there are, what is missing, and what to write."""

    subject: Subject
    files: tuple[Measured, ...]
    symbols: tuple[Found, ...]
    gaps: tuple[Gap, ...]
    criteria: tuple[OpenCriterion, ...]
    suggestions: tuple[Suggestion, ...]
    tests_known: int
    tests_read: int
    notes: tuple[str, ...]
    total: int

    @property
    def measured(self) -> int:
        """How many files have all their changed lines known."""
        return sum(not file.problem for file in self.files)


def build(inputs: Inputs) -> Manifest:
    """The manifest. Files of one path are one; the first by content of the diff is taken."""
    rules = gitattributes.read(inputs.attributes)
    files = tuple(measure(given, rules) for given in _ordered(inputs.files))
    symbols = across_files([s for f in files if _counts(f) for s in f.symbols], _reread(files))
    known = _known(inputs, files)
    found = _with_tests(symbols, known)
    gaps = _gaps(found)
    homes = {id(f.symbol): f.tests[0].test for f in found if f.tests}
    ground = Ground(
        gaps=gaps,
        homes=tuple(homes.get(id(gap.symbol), "") for gap in gaps),
        layout=Layout(known.paths),
        names=frozenset(p.rpartition("/")[2] for p in _all_paths(inputs, files)),
        texts=_config_texts(inputs, files),
        sources=tuple(f.diff.path for f in files if f.file_class is FileClass.SOURCE),
    )
    criteria = tuple(sorted(set(inputs.criteria), key=lambda c: (c.issue or 0, c.id, c.text)))
    return Manifest(
        subject=inputs.subject,
        files=files,
        symbols=found,
        gaps=gaps,
        criteria=criteria,
        suggestions=suggest(criteria, ground),
        tests_known=len(known.paths),
        tests_read=len(known.read),
        notes=tuple(sorted({*inputs.notes, *_cut(symbols)})),
        total=max(inputs.total_files, len(files)),
    )


def _ordered(files: Sequence[Given]) -> list[Given]:
    kept: dict[str, Given] = {}
    for given in files:
        other = kept.setdefault(given.diff.path, given)
        if other is not given and repr(given.diff) < repr(other.diff):
            kept[given.diff.path] = given
    return [kept[path] for path in sorted(kept)]


def _counts(file: Measured) -> bool:
    return file.file_class is FileClass.SOURCE


def _reread(files: Sequence[Measured]) -> Callable[[str], outline.Version | None]:
    """A file's new side by path, parsed again and kept, for the few that are compared."""
    by_path = {file.diff.path: file for file in files}
    known: dict[str, outline.Version | None] = {}

    def reread(path: str) -> outline.Version | None:
        file = by_path[path]
        if path not in known:
            readable = file.head is not None and file.language is not None
            known[path] = parsed(file.language, file.head) if readable else None  # type: ignore[arg-type]
        return known[path]

    return reread


def _cut(symbols: Sequence[SymbolChange]) -> list[str]:
    if len(symbols) <= MAX_SYMBOLS:
        return []
    return [f"only the first {MAX_SYMBOLS} of {len(symbols)} changed symbols are looked at"]


def _all_paths(inputs: Inputs, files: Sequence[Measured]) -> set[str]:
    return {*inputs.paths, *inputs.tests, *(f.diff.path for f in files)}


def _known(inputs: Inputs, files: Sequence[Measured]) -> Known:
    """Tests that stand at the head: those of the pull request as it leaves them, and the rest."""
    read: dict[str, TestFile] = {}
    gone = {f.diff.path for f in files if f.diff.status.value == "deleted"}
    gone |= {f.diff.old_path for f in files if f.diff.status.value == "renamed"}
    paths = {p for p in _all_paths(inputs, files) if p not in gone and _is_test(p)}
    for path in sorted(inputs.tests):
        language = language_of(path)
        if language is not None and path not in gone:
            read[path] = edges.test_file(path, language, inputs.tests[path])
    for file in files:
        if file.file_class is FileClass.TEST and file.language and file.head is not None:
            path = file.diff.path
            read[path] = edges.test_file(path, file.language, file.head)
    return Known(
        tuple(read[path] for path in sorted(read)),
        frozenset(paths),
        inputs.coverage,
        inputs.together,
    )


def _is_test(path: str) -> bool:
    return by_path(path) is FileClass.TEST and language_of(path) is not None


def parsed(language: Language, source: bytes) -> outline.Version | None:
    """A test file's tree, for its cases; None where it cannot be had."""
    found = grammars.grammar(language)
    if found is None or grammars.is_readable(source):
        return None
    return outline.version(language, found, source)


def _with_tests(symbols: Sequence[SymbolChange], known: Known) -> tuple[Found, ...]:
    chosen = symbols[:MAX_SYMBOLS]
    index = Index(known, parsed)
    index.prepare(frozenset(name for s in chosen for name in edges.simple_names(s)))
    found = []
    for symbol in chosen:
        file = coverage_json.for_path(known.coverage, symbol.file) if known.coverage else None
        tests = index.edges(symbol, language_of(symbol.file))
        found.append(Found(symbol, tests, covered_of(symbol, file)))
    return tuple(found)


def _gaps(found: Sequence[Found]) -> tuple[Gap, ...]:
    gaps = [gap_of(one.symbol, one.tests, one.covered) for one in found]
    return ranked([gap for gap in gaps if gap is not None])


def _config_texts(inputs: Inputs, files: Sequence[Measured]) -> dict[str, str]:
    texts = dict(inputs.texts)
    for file in files:
        if file.head is not None and file.diff.path in CONFIG_FILES:
            texts[file.diff.path] = file.head.decode("utf-8", "replace")
    return texts

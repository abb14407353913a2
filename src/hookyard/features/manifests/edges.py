"""Tests that may exercise a changed symbol, each with its reason and how much that says.

5 coverage: its lines ran under the test · 4 reference: the test's file imports the source, and the
test's own lines name the symbol · 3 import: the file imports the source and names the symbol
somewhere, or the test's lines name a symbol of the same package · 2 import alone, name and mirror:
the test file's name and place are the source's · 1 history: both changed together before.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hookyard.features.manifests import coverage_json, naming
from hookyard.features.manifests.coverage_json import Coverage
from hookyard.features.manifests.languages import Language, family, language_of
from hookyard.features.manifests.model import Edge, SymbolChange
from hookyard.features.manifests.outline import CONTAINERS, Version, symbols_near
from hookyard.features.manifests.references import (
    Mentions,
    is_package_imported,
    mentions,
    tails_of,
)

MAX_EDGES = 20
MAX_CASES = 10
_OWN_FOLDER = frozenset({"go", "java", "kotlin", "scala", "csharp"})
# why: names that half of all test files hold say nothing about which symbol is meant.
_COMMON = frozenset({"main", "init", "new", "get", "set", "run", "test", "setup", "__init__"})


@dataclass(frozen=True, slots=True)
class TestFile:
    """A test file that was read."""

    path: str
    language: Language
    source: bytes = field(repr=False)
    mentions: Mentions = field(repr=False)


def test_file(path: str, language: Language, source: bytes) -> TestFile:
    """A test file with what it mentions."""
    return TestFile(path, language, source, mentions(path, language, source))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a repository's tests: those that were read, every path, coverage, history.

    `together` counts, for pairs (source, test), the commits that changed both.
    """

    read: tuple[TestFile, ...] = ()
    paths: frozenset[str] = frozenset()
    coverage: Coverage | None = None
    together: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Index:
    """Looks up the tests of symbols. `parse` gives a test file's tree, for its cases."""

    def __init__(self, known: Known, parse: Callable[[Language, bytes], Version | None]) -> None:
        self._known = known
        self._parse = parse
        self._importers: dict[str, tuple[Edge, ...]] = {}
        self._trees: dict[str, Version | None] = {}
        self._places = {path: naming.place_of(path) for path in known.paths}
        self._stems: dict[str, list[str]] = {}
        for path in sorted(known.paths):
            self._stems.setdefault(self._places[path].stem, []).append(path)
        self._by_tail: dict[str, list[TestFile]] = {}
        for test in known.read:
            for tail in test.mentions.imports:
                self._by_tail.setdefault(tail, []).append(test)
        self._by_word: dict[str, list[TestFile]] = {}

    def prepare(self, names: frozenset[str]) -> None:
        """Say which simple names will be asked for, so that each file is gone through once."""
        self._by_word = {}
        wanted = {name.encode(): name for name in names}
        for test in self._known.read:
            for word in wanted.keys() & test.mentions.words:
                self._by_word.setdefault(wanted[word], []).append(test)

    def edges(self, symbol: SymbolChange, language: Language | None) -> tuple[Edge, ...]:
        """The symbol's tests, strongest first; at most MAX_EDGES."""
        found = [
            *self._covering(symbol),
            *self._referring(symbol, language),
            *self._importing(symbol.file, language),
            *self._named(symbol.file, language),
            *self._changed_together(symbol.file),
        ]
        best: dict[tuple[str, str], Edge] = {}
        for edge in found:
            key = edge.test, edge.case
            if key not in best or best[key].strength < edge.strength:
                best[key] = edge
        telling = {edge.test for edge in best.values() if edge.case}
        kept = [e for e in best.values() if e.case or e.test not in telling]
        kept.sort(key=lambda e: (-e.strength, e.test, e.case, e.reason))
        return tuple(kept[:MAX_EDGES])

    def _covering(self, symbol: SymbolChange) -> list[Edge]:
        if self._known.coverage is None:
            return []
        file = coverage_json.for_path(self._known.coverage, symbol.file)
        if file is None or symbol.lines is None:
            return []
        lines = range(symbol.lines[0], min(symbol.lines[1], symbol.lines[0] + 10_000) + 1)
        count = Counter(test for line in lines for test in file.contexts.get(line, ()))
        edges = []
        for test, ran in sorted(count.items(), key=lambda item: (-item[1], item[0]))[:MAX_EDGES]:
            path, _, case = test.partition("::")
            edges.append(Edge(path, case, "coverage", 5, f"ran {ran} of its lines"))
        return edges

    def _referring(self, symbol: SymbolChange, language: Language | None) -> list[Edge]:
        names = {n for n in simple_names(symbol) if n.lower() not in _COMMON and len(n) > 2}
        edges: list[Edge] = []
        if language is None:
            return edges
        own = family(language.name)
        importing = {edge.test for edge in self._importing(symbol.file, language)}
        for name in sorted(names):
            for test in self._by_word.get(name, ()):
                if family(test.language.name) != own:
                    continue
                imported = test.path in importing
                if not imported and not self._same_package(symbol.file, test, own):
                    continue
                strength = 4 if imported else 3
                cases = cases_naming(self._tree(test), name)
                edges += [
                    Edge(test.path, case, "reference", strength, f"its lines name {name}")
                    for case in cases[:MAX_CASES]
                ]
                if not cases:
                    edges.append(Edge(test.path, "", "import", 3, f"it imports and names {name}"))
        return edges

    def _importing(self, source: str, language: Language | None) -> Sequence[Edge]:
        """Tests that import the file; they may get at any symbol in it, by whatever way."""
        if source not in self._importers:
            own = family(language.name) if language else ""
            tests = {
                test.path
                for tail in tails_of(source)
                for test in self._by_tail.get(tail, ())
                if family(test.language.name) == own
            }
            self._importers[source] = tuple(
                Edge(path, "", "import", 2, "it imports the file") for path in sorted(tests)
            )
        return self._importers[source]

    def _tree(self, test: TestFile) -> Version | None:
        if test.path not in self._trees:
            self._trees[test.path] = self._parse(test.language, test.source)
        return self._trees[test.path]

    def _same_package(self, source: str, test: TestFile, kind: str) -> bool:
        if is_package_imported(source, test.mentions.imports):
            return True
        place, other = naming.place_of(source), naming.place_of(test.path)
        return kind in _OWN_FOLDER and place.folders == other.folders

    def _named(self, source: str, language: Language | None) -> list[Edge]:
        place = naming.place_of(source)
        edges = []
        for path in self._stems.get(place.stem, ()):
            found = language_of(path)
            if language and found and family(found.name) != family(language.name):
                continue
            if path != source:
                mirrored = naming.likeness(place, self._places[path]) == 3
                reason = "mirror" if mirrored else "name"
                edges.append(Edge(path, "", reason, 2, f"named as {source.rpartition('/')[2]} is"))
        return edges

    def _changed_together(self, source: str) -> list[Edge]:
        return [
            Edge(test, "", "history", 1, f"changed together in {count} commits")
            for (path, test), count in sorted(self._known.together.items())
            if path == source and count > 1
        ]


def simple_names(symbol: SymbolChange) -> set[str]:
    """The names by which tests would call a symbol; a constructor goes by its class."""
    names = {symbol.name.rpartition(".")[2]}
    if symbol.kind in ("method", "property") and "." in symbol.name:
        holder = symbol.name.split(".")[-2]
        if symbol.name.rpartition(".")[2] in ("__init__", "constructor", "initialize", holder):
            return {holder}
    return names


def cases_naming(version: Version | None, name: str) -> tuple[str, ...]:
    """The test cases of a file whose lines hold a name as a whole word."""
    if version is None:
        return ()
    lines = _lines_naming(version, name.encode())
    found: dict[str, None] = {}
    symbols = symbols_near(version, [(line, line) for line in lines])
    for line in lines:
        inner = [s for s in symbols if s.holds(line) and s.kind not in CONTAINERS - {"case"}]
        if inner:
            # why: the outermost function is the case; what is nested in it are its helpers.
            case = inner[-1] if inner[-1].kind == "case" else inner[0]
            if _is_case(case.name, case.kind, version.language.name):
                found[case.name] = None
    return tuple(found)


def _is_case(name: str, kind: str, language: str) -> bool:
    simple = name.rpartition(".")[2]
    if kind == "case":
        return True
    if language == "python":
        return simple.startswith("test")
    if language == "go":
        return simple.startswith(("Test", "Fuzz", "Benchmark", "Example"))
    return language not in ("javascript", "typescript", "tsx")


def _lines_naming(version: Version, name: bytes) -> list[int]:
    lines: list[int] = []
    at = version.source.find(name)
    while at >= 0 and len(lines) < 200:
        end = at + len(name)
        before, after = version.source[at - 1 : at], version.source[end : end + 1]
        if not (_is_word(before) or _is_word(after)):
            line = version.source.count(b"\n", 0, at) + 1
            if not lines or lines[-1] != line:
                lines.append(line)
        at = version.source.find(name, end)
    return lines


def _is_word(letter: bytes) -> bool:
    return letter.isalnum() or (letter in (b"_", b"$") and bool(letter))


def candidates(sources: Sequence[str], tests: Sequence[str], limit: int) -> tuple[str, ...]:
    """Which test files to read for these sources, where not all can be: those of their names, then
    those of their folders, then the others; each group by path."""
    places = [naming.place_of(path) for path in sources]
    stems = {place.stem for place in places}
    folders = {place.folders[-1] if place.folders else "" for place in places}
    scored = []
    for path in tests:
        place = naming.place_of(path)
        last = place.folders[-1] if place.folders else ""
        if place.stem in stems:
            scored.append((0, path))
        else:
            scored.append((1 if last in folders else 2, path))
    return tuple(path for _, path in sorted(scored)[:limit])

"""Where a new test belongs: as this repository places its tests, else by its language's custom."""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from hookyard.features.manifests.class_rules import TEST_FOLDERS
from hookyard.features.manifests.languages import Language, family, language_of
from hookyard.features.manifests.naming import SOURCE_FOLDERS, mirrors, place_of

_NAMES = {
    "python": "test_{stem}.py",
    "go": "{stem}_test.go",
    "rust": "{stem}_test.rs",
    "c": "{stem}_test.c",
    "cpp": "{stem}_test.cc",
    "csharp": "{stem}Tests.cs",
    "java": "{stem}Test.java",
    "kotlin": "{stem}Test.kt",
    "php": "{stem}Test.php",
    "scala": "{stem}Spec.scala",
    "bash": "{stem}.bats",
}
_BESIDE = frozenset({"go", "javascript"})


class Layout:
    """How a repository places its tests, learnt from their paths."""

    def __init__(self, tests: Iterable[str]) -> None:
        self._families: dict[str, list[str]] = {}
        for path in sorted(tests):
            language = language_of(path)
            if language is not None:
                self._families.setdefault(family(language.name), []).append(path)
        self._mirrors: dict[tuple[str, str], str] = {}
        self._folders: dict[str, dict[tuple[str, ...], Counter[str]]] = {}

    def target(self, path: str, language: Language | None) -> str:
        """The path of the test file for a source file."""
        folder, _, name = path.rpartition("/")
        kind = family(language.name) if language else ""
        test = self._name(name, language)
        if kind in ("java", "kotlin", "scala") and "/main/" in f"/{folder}/":
            return _joined(f"/{folder}/".replace("/main/", "/test/", 1).strip("/"), test)
        if kind == "go" or self._is_beside(kind):
            return _joined(folder, test)
        return _joined(self._mirrored(path, kind) or self._below_root(folder, kind), test)

    def _name(self, name: str, language: Language | None) -> str:
        stem, _, ending = name.rpartition(".")
        stem = stem or name
        kind = language.name if language else ""
        tests = self._families.get(family(kind), []) if kind else []
        if family(kind) == "javascript":
            word = "spec" if _count(tests, ".spec.") > _count(tests, ".test.") else "test"
            return f"{stem}.{word}.{ending}"
        if kind == "ruby":
            word = "test" if _count(tests, "_test.rb") > _count(tests, "_spec.rb") else "spec"
            return f"{stem}_{word}.rb"
        template = _NAMES.get(kind)
        if template is None:
            return f"test_{stem}.{ending}" if ending != name else f"test_{stem}"
        return template.replace("{stem}", stem)

    def _is_beside(self, kind: str) -> bool:
        """Whether most tests of a language stand next to what they test."""
        same = self._families.get(kind, [])
        if not same:
            return kind in _BESIDE
        apart = sum(bool(TEST_FOLDERS.intersection(p.lower().split("/")[:-1])) for p in same)
        return apart * 2 < len(same)

    def _mirrored(self, path: str, kind: str) -> str:
        """The folder of tests that mirrors the source's, the deepest, then the fullest."""
        key = path.rpartition("/")[0], kind
        if key not in self._mirrors:
            self._mirrors[key] = self._mirror(place_of(path).folders, kind)
        return self._mirrors[key]

    def _mirror(self, wanted: tuple[str, ...], kind: str) -> str:
        found = [
            (len(folders), count, folder)
            for folders, counted in self._by_place(kind).items()
            if folders and wanted and mirrors(wanted, folders)
            for folder, count in counted.items()
        ]
        best = min(((-depth, -count, folder) for depth, count, folder in found), default=None)
        return best[2] if best else ""

    def _by_place(self, kind: str) -> dict[tuple[str, ...], Counter[str]]:
        if kind not in self._folders:
            by_place: dict[tuple[str, ...], Counter[str]] = {}
            for path in self._families.get(kind, []):
                counted = by_place.setdefault(place_of(path).folders, Counter())
                counted[path.rpartition("/")[0]] += 1
            self._folders[kind] = by_place
        return self._folders[kind]

    def _below_root(self, folder: str, kind: str) -> str:
        parts = folder.split("/") if folder else []
        below = [p for n, p in enumerate(parts) if n or p.lower() not in SOURCE_FOLDERS]
        return "/".join([self._roots.get(kind) or _root(kind), *below])

    @cached_property
    def _roots(self) -> dict[str, str]:
        """The folder that most tests of a language are below."""
        found: dict[str, str] = {}
        for kind, paths in self._families.items():
            roots: Counter[str] = Counter()
            for path in paths:
                parts = path.split("/")
                at = next((n for n, p in enumerate(parts[:-1]) if p.lower() in TEST_FOLDERS), None)
                if at is not None:
                    roots["/".join(parts[: at + 1])] += 1
            if roots:
                found[kind] = min(roots, key=lambda root: (-roots[root], root))
        return found


def _root(kind: str) -> str:
    return "spec" if kind == "ruby" else "tests"


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _count(paths: Iterable[str], part: str) -> int:
    return sum(part in path for path in paths)

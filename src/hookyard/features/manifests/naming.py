"""Which test files a source file's name and place suggest, and the other way round. Pure.

`cart.py` → `test_cart.py`, `cart_test.go`, `CartTest.java`, `cart.spec.ts`; and mirrored trees:
`src/shop/cart.py` → `tests/shop/test_cart.py`, `src/main/java/…` → `src/test/java/…`.
"""

import re
from dataclasses import dataclass

from hookyard.features.manifests.class_rules import TEST_FOLDERS

# Folders that mark where sources begin; a mirrored tree starts below them.
SOURCE_FOLDERS = frozenset({"app", "lib", "main", "pkg", "source", "sources", "src"})
_LANGUAGE_FOLDERS = frozenset({"java", "kotlin", "scala", "groovy"})
_BEFORE = re.compile(r"^(?:test|spec)[_-]")
_AFTER = re.compile(
    r"(?:[._-](?:test|tests|spec|specs|unittest|cy|e2e|bench)|(?<=[a-z0-9])(?:TestCase|Tests|Test|"
    r"Specs|Spec|Suite|Cest|IT))$"
)
_JAVA_BEFORE = re.compile(r"^Test(?=[A-Z])")
_ENDINGS_IN_NAME = (".d",)


@dataclass(frozen=True, slots=True)
class Place:
    """A file as names are compared: its stem, folders below the root of sources or tests."""

    stem: str
    folders: tuple[str, ...]


def place_of(path: str) -> Place:
    """The place of a source or test file, without what marks it as either."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    for ending in _ENDINGS_IN_NAME:
        stem = stem.removesuffix(ending)
    stem = _AFTER.sub("", _JAVA_BEFORE.sub("", _BEFORE.sub("", stem)))
    return Place(_fold(stem), tuple(_bare(folders)))


def _fold(stem: str) -> str:
    return stem.replace("-", "_").replace("_", "").lower()


def _bare(folders: list[str]) -> list[str]:
    """Folders without those that only say "sources" or "tests", and without what leads to them."""
    kept: list[str] = []
    for folder in folders:
        low = folder.lower()
        is_root = low in SOURCE_FOLDERS or low in TEST_FOLDERS or low in _LANGUAGE_FOLDERS
        if not is_root and low not in ("unit", "integration"):
            kept.append(low)
    return kept


def likeness(source: Place, test: Place) -> int:
    """3: same name in the mirrored folder; 2: same name elsewhere; 1: the test's name starts with
    the source's, in the mirrored folder; 0: nothing in common."""
    mirrored = mirrors(source.folders, test.folders)
    if source.stem == test.stem:
        return 3 if mirrored else 2
    is_part = len(source.stem) > 3 and test.stem.startswith(source.stem)
    return 1 if is_part and mirrored else 0


def mirrors(source: tuple[str, ...], test: tuple[str, ...]) -> bool:
    """Whether one list of folders ends as the other does; no folders at all mirror anything."""
    shorter = min(len(source), len(test))
    if not shorter:
        return not source or not test
    return source[-shorter:] == test[-shorter:]

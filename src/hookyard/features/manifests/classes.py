"""What kind of file a path names: test, source, generated, vendored, docs, config, lock, other."""

from enum import StrEnum
from functools import lru_cache

from hookyard.features.manifests import class_rules as rules
from hookyard.features.manifests import gitattributes
from hookyard.features.manifests.languages import language_of


class FileClass(StrEnum):
    """Kinds of files, as far as tests go."""

    TEST = "test"
    SOURCE = "source"
    GENERATED = "generated"
    VENDORED = "vendored"
    DOCS = "docs"
    CONFIG = "config"
    LOCK = "lock"
    OTHER = "other"


_EXACT = frozenset(n for n in rules.TEST_NAMES if "*" not in n)
_PATTERNS: dict[str, list[tuple[str, str]]] = {}
for _name in rules.TEST_NAMES:
    _head, _star, _tail = _name.partition("*")
    if _star:
        _PATTERNS.setdefault(_name.rpartition(".")[2], []).append((_head, _tail))


def classify(
    path: str, attributes: tuple[gitattributes.Rule, ...] = (), content: bytes | None = None
) -> FileClass:
    """The class of a file; what the repository's `.gitattributes` says comes first."""
    said = gitattributes.lookup(attributes, path) if attributes else {}
    if said.get("linguist-vendored"):
        return FileClass.VENDORED
    if said.get("linguist-generated"):
        return FileClass.GENERATED
    if said.get("linguist-documentation"):
        return FileClass.DOCS
    found = by_path(path)
    is_taken_back = (said.get("linguist-vendored") is False and found is FileClass.VENDORED) or (
        said.get("linguist-generated") is False and found is FileClass.GENERATED
    )
    if is_taken_back:
        return _plain(path)
    is_marked = content is not None and said.get("linguist-generated") is None and marked(content)
    if is_marked and found in (FileClass.SOURCE, FileClass.TEST):
        return FileClass.GENERATED
    return found


@lru_cache(maxsize=8_192)
def by_path(path: str) -> FileClass:
    """The class by path and name alone."""
    *folders, name = path.lower().split("/")
    if rules.VENDORED_FOLDERS.intersection(folders):
        return FileClass.VENDORED
    if rules.GENERATED_FOLDERS.intersection(folders) or name.endswith(rules.GENERATED_ENDINGS):
        return FileClass.GENERATED
    return _plain(path)


def marked(content: bytes) -> bool:
    """Whether the first lines say that a program wrote the file."""
    head = content[:4096]
    if not any(mark in head for mark in rules.GENERATED_MARKS):
        return False
    first = b"\n".join(head.split(b"\n")[: rules.MARKED_LINES])
    return any(mark in first for mark in rules.GENERATED_MARKS)


def is_test(path: str) -> bool:
    """Whether a path names tests, or what tests are made of."""
    name = path.rpartition("/")[2]
    if name in _EXACT or any(
        name.startswith(head) and name.endswith(tail) and len(name) > len(head) + len(tail)
        for head, tail in _PATTERNS.get(name.rpartition(".")[2], ())
    ):
        return True
    folders = rules.TEST_FOLDERS.intersection(path.lower().split("/")[:-1])
    return bool(folders - rules.AMBIGUOUS_TEST_FOLDERS)


def _plain(path: str) -> FileClass:
    *folders, name = path.lower().split("/")
    if name in rules.LOCK_NAMES:
        return FileClass.LOCK
    if is_test(path):
        return FileClass.TEST
    is_doc = name.endswith(rules.DOC_ENDINGS) or name.partition(".")[0] in rules.DOC_NAMES
    if is_doc or rules.DOC_FOLDERS.intersection(folders):
        return FileClass.DOCS
    if rules.CONFIG_FOLDERS.intersection(folders) or name in rules.CONFIG_NAMES:
        return FileClass.CONFIG
    if language_of(path) is not None or name.endswith(rules.OTHER_CODE_ENDINGS):
        return FileClass.SOURCE
    is_config = name.endswith(rules.CONFIG_ENDINGS) or name.startswith(".")
    return FileClass.CONFIG if is_config else FileClass.OTHER

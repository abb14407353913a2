"""One file of a pull request, measured: its class, language, and changed symbols. Pure but for
the parse, which is bounded."""

from dataclasses import dataclass, field, replace

from hookyard.features.manifests import grammars, outline
from hookyard.features.manifests.before import Before, undo
from hookyard.features.manifests.changes import Changed, changed_symbols
from hookyard.features.manifests.classes import FileClass, classify
from hookyard.features.manifests.diffs import FileDiff, Status
from hookyard.features.manifests.gitattributes import Rule
from hookyard.features.manifests.headers import from_headers
from hookyard.features.manifests.languages import Language, language_of
from hookyard.features.manifests.model import Precision
from hookyard.features.manifests.outline import Version

BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Given:
    """A file as the diff's source gave it. Contents are None where they are not known.

    `note` says why a content is missing, for files whose lines are known all the same.
    """

    diff: FileDiff
    head: bytes | None = field(default=None, repr=False)
    base: bytes | None = field(default=None, repr=False)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A file and what was found. `problem` is "" when its changed lines are known."""

    diff: FileDiff
    file_class: FileClass
    language: Language | None
    precision: str
    problem: str
    note: str
    symbols: tuple[Changed, ...]
    head: bytes | None = field(default=None, repr=False)


def measure(given: Given, attributes: tuple[Rule, ...] = ()) -> Measured:
    """Classify a file and find its changed symbols."""
    given = _completed(given)
    diff = given.diff
    shown = given.head if given.head is not None else given.base
    file_class = classify(diff.path, attributes, shown)
    language = language_of(diff.path)
    problem = diff.problem or (BINARY if diff.is_binary else "")
    bare = Measured(diff, file_class, language, "none", problem, given.note, (), given.head)
    # why: tests are looked up by what they name, not by what changed in them.
    if problem or file_class is not FileClass.SOURCE or not diff.hunks:
        return bare
    if language is None:
        return replace(bare, precision="hunk", symbols=_named(diff))
    return _with_symbols(bare, given, language)


def _named(diff: FileDiff) -> tuple[Changed, ...]:
    return tuple(Changed(change) for change in from_headers(diff))


def _with_symbols(bare: Measured, given: Given, language: Language) -> Measured:
    found = grammars.grammar(language)
    if found is None:
        note = f"no grammar for {language.name} is installed"
        return replace(bare, precision="hunk", note=note, symbols=_named(bare.diff))
    head, base, note = _versions(given, language, found)
    symbols = changed_symbols(bare.diff, head, base)
    precision = Precision.HUNK if head is None and base is None else Precision.SYNTAX
    if any(s.change.precision is Precision.ONE_SIDE for s in symbols):
        precision = Precision.ONE_SIDE
    note = given.note or note or ("parts of it could not be parsed" if _broken(head) else "")
    return replace(bare, precision=precision.value, note=note, symbols=symbols)


def _broken(head: Version | None) -> bool:
    return head is not None and head.has_errors


def _versions(
    given: Given, language: Language, found: grammars.Grammar
) -> tuple[Version | None, Version | None, str]:
    """Both sides, parsed; the old one takes over what the new one has in common with it."""
    head = base = None
    note = ""
    before = _before(given)
    if given.head is not None:
        note = grammars.is_readable(given.head)
        head = None if note else outline.version(language, found, given.head)
    old = before.content if before is not None else given.base
    # why: where nothing was deleted, the new side alone says which symbols grew.
    has_old = given.diff.status is not Status.ADDED and bool(given.diff.deleted)
    if old is not None and has_old and not note:
        note = "" if before is not None else grammars.is_readable(old)
        tree = None
        if head is not None and before is not None and given.head is not None:
            tree = grammars.edited(head.tree, given.head, before.edits)
        base = None if note else outline.version(language, found, old, tree)
    if head is None and given.head is not None and not note:
        note = "its parse was given up"
    return head, base, note


def _before(given: Given) -> Before | None:
    if given.head is None or given.diff.status is Status.DELETED:
        return None
    before = undo(given.head, given.diff.hunks)
    if before is not None and given.base is not None and before.content != given.base:
        return None
    return before


def _completed(given: Given) -> Given:
    """A file that was added or deleted as a whole has its content in its only hunk."""
    status, hunks = given.diff.status, given.diff.hunks
    if len(hunks) != 1 or given.diff.problem:
        return given
    hunk = hunks[0]
    if status is Status.ADDED and given.head is None and hunk.new_start == 1:
        return replace(given, head=_content(hunk.lines, b"+"))
    if status is Status.DELETED and given.base is None and hunk.old_start == 1:
        return replace(given, base=_content(hunk.lines, b"-"))
    return given


def _content(lines: tuple[bytes, ...], mark: bytes) -> bytes:
    kept = [line[1:] for line in lines if line[:1] == mark]
    is_open = bool(lines) and lines[-1][:1] == b"\\"
    return b"\n".join(kept) + (b"" if is_open else b"\n")

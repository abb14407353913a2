"""Which headings, bold lines and `Label:` lines announce what. Linear time."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from hookyard.features.checklists import label_words, words
from hookyard.features.checklists.text import plain, without_comments

LabelKind: TypeAlias = Literal["criteria", "weak", "tests", "never", "other", ""]

MAX_LABEL = 400
MAX_LABEL_LINE = 120

_NUMBERING = re.compile(
    r"(?:§ ?)?(?:\(?(?:[0-9]{1,3}|[a-z]|[ivx]{1,5})[.)](?:[0-9]{1,3}[.)]?){0,5}\s+"
    r"|[0-9]{1,2}(?:\.[0-9]{1,2}){1,4}\s+|[0-9]{1,2}\s*[-–—]\s+)"
)
_SHORTCODE = re.compile(r":[a-z0-9_+-]{2,40}:")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()\s]{0,200}\)")
_SYMBOLS = frozenset({"So", "Sk", "Cf"})
_CUTS = (
    " for ", " of ", " - ", " – ", " — ", " | ", " / ", " & ", " + ", ": ", " (", " [", " {", "（",
)  # fmt: skip
_ENDS = " :：﹕?!.…–—-"
_BOLD = ("**", "__")
_BOLD_HTML = re.compile(
    r"<(b|strong)>\s{0,20}([^<>]{1,120})</\1>\s{0,20}[:：]?\s{0,20}(?:<br\s?/?>)?", re.IGNORECASE
)


def fold_label(text: str) -> str:
    """A heading as compared with the word lists: no case, markup, emoji, numbering or end."""
    bare = without_comments(text[:MAX_LABEL])
    if "<" in bare:
        bare = _TAG.sub("", bare)
    if "](" in bare:
        bare = _LINK.sub(r"\1", bare)
    bare = plain(bare)
    if not bare.isascii():
        bare = unicodedata.normalize("NFKC", bare).replace("’", "'")
        bare = "".join(c for c in bare if unicodedata.category(c) not in _SYMBOLS and c != "\ufe0f")
    folded = bare.casefold()
    if ":" in folded:
        folded = _SHORTCODE.sub("", folded)
    return _NUMBERING.sub("", folded.strip(" #"), count=1).strip(_ENDS)


def without_accents(folded: str) -> str:
    """Letters only: é is e, ё is е."""
    if folded.isascii():
        return folded
    parts = unicodedata.normalize("NFKD", folded)
    # why: Turkish writes i without a dot too, which is no accent to Unicode.
    return "".join(c for c in parts if unicodedata.category(c) != "Mn").replace("ı", "i")


def _by_label() -> Mapping[str, LabelKind]:
    found: dict[str, LabelKind] = {}
    lists: tuple[tuple[LabelKind, Iterable[str]], ...] = (
        ("other", words.OTHER_LABELS),
        ("never", words.NEVER_LABELS),
        ("tests", (label for known in label_words.TESTS.values() for label in known)),
        ("weak", (label for known in label_words.EXPECTATIONS.values() for label in known)),
        ("criteria", (label for known in label_words.CRITERIA.values() for label in known)),
    )
    for kind, labels in lists:
        found |= {without_accents(fold_label(label)): kind for label in labels}
    return found


_KINDS = _by_label()


def known_label(text: str) -> LabelKind:
    """What a heading announces; "" when it is none we know."""
    folded = without_accents(fold_label(text))
    if folded in _KINDS:
        return _KINDS[folded]
    inner = folded.strip("[]{}<>()\"'“”«»【】「」 ")
    for candidate in (inner, inner.replace("-", " ").replace("_", " ")):
        if candidate in _KINDS:
            return _KINDS[candidate]
    for cut in _CUTS:
        head = folded.split(cut, 1)[0].strip(_ENDS)
        if head in _KINDS:
            return _KINDS[head]
    return ""


def label_of_line(line: str) -> str | None:
    """The label of a bold-only line or of a line that ends with a colon, else None."""
    if len(line) > 4 * MAX_LABEL_LINE:
        return None
    bare = without_comments(line).strip()
    if not bare or len(bare) > MAX_LABEL_LINE:
        return None
    if bare.startswith(_BOLD):
        mark = bare[:2]
        inner = bare.rstrip(":： ")
        if inner.endswith(mark) and len(inner) > 4 and mark not in inner[2:-2]:
            return inner[2:-2].strip(" :：") or None
    if bare.startswith("<"):
        match = _BOLD_HTML.fullmatch(bare)
        return match[2].strip(" :：") or None if match is not None else None
    if bare.endswith((":", "：")) and not bare.startswith(("-", "|", ">")):
        return plain(bare).rstrip(":： ") or None
    return None

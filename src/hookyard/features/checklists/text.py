"""Small readers of one line or one paragraph: boxes, ids, labels, leftovers. Linear time."""

import re
import unicodedata

from hookyard.features.checklists import words

MAX_TEXT = 1000
MAX_BYTES = 262_144
MAX_LINES = 12_000

_TICKS = re.compile(r"`+")
_HTML_CODE = re.compile(r"<(pre|code|samp|kbd)\b[^<>]{0,200}>[^<]{0,65536}</\1>", re.IGNORECASE)
_BOX = re.compile(r"\[([ xX\u00a0])\](?:\s+|$)")
_AUTHOR_ID = re.compile(
    r"(?:\*\*|__|`|\[|\()?"
    rf"((?:{'|'.join(words.AUTHOR_ID_PREFIXES)})[-_ ]?[0-9]{{1,4}}(?:\.[0-9]{{1,3}})?)"
    r"(?:\*\*|__|`|\]|\))?(?:[:.)\]–—](?:\*\*|__)?\s*|\s+[-–—]\s+|(?<=[*_`])\s+|\s*$)",
    re.IGNORECASE,
)
_HASH_ID = re.compile(r"#([0-9]{1,4})\s+")
_NUMBERING = re.compile(r"(?:[0-9]{1,3}[.)])+(?:[0-9]{1,3})?\s+|[0-9]{1,2}\.[0-9]{1,2}\s+")
_WORD_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
_NUMBERED_LEFTOVER = re.compile(
    r"(?:acceptance )?(?:criterion|criteria|item|requirement|ac|task|test)[ -]?#?[0-9]{1,2}"
)
_OUT_OF_SCOPE = re.compile(r"\s*[(\[](?:out of scope|won't do|wont do|descoped|n/a)[)\]]\s*$", re.I)
_LABELS = (
    ("criteria", words.CRITERIA_LABELS),
    ("weak", words.WEAK_LABELS),
    ("tests", words.TEST_LABELS),
    ("never", words.NEVER_LABELS),
    ("other", words.OTHER_LABELS),
)
_SYMBOLS = frozenset({"So", "Sk", "Cf"})
_LABEL_CUTS = (" for ", " - ", " – ", " — ", " | ", " / ", " (", " [", "（")


def clean(text: str) -> str:
    """The text without what no database keeps: lone surrogates and NUL become U+FFFD."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def bounded(body: str) -> tuple[str, bool]:
    """(text, was cut): at most MAX_BYTES and MAX_LINES of a body, with plain line ends."""
    # why: a body of another's making may be far longer; the rest of it is never looked at.
    text = clean(body[: MAX_BYTES + 1]).replace("\r\n", "\n").replace("\r", "\n")
    raw = text.encode()
    is_cut = len(raw) > MAX_BYTES or len(body) > MAX_BYTES + 1
    if len(raw) > MAX_BYTES:
        text = raw[:MAX_BYTES].decode("utf-8", "ignore")
    lines = text.split("\n", MAX_LINES)
    return "\n".join(lines[:MAX_LINES]), is_cut or len(lines) > MAX_LINES


def without_code(text: str) -> str:
    """The text without code: spans between equal runs of backticks, `<pre>` and `<code>`."""
    text = _HTML_CODE.sub(" ", text) if "<" in text else text
    if "`" not in text:
        return text
    runs = [(match.start(), match.end()) for match in _TICKS.finditer(text)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        later.setdefault(runs[index][1] - runs[index][0], []).append(index)
    parts: list[str] = []
    at = index = 0
    while index < len(runs):
        start, end = runs[index]
        same = later[end - start]
        while same and same[-1] <= index:
            same.pop()
        if same:
            parts.append(text[at:start])
            at, index = runs[same[-1]][1], same[-1]
        index += 1
    return " ".join([*parts, text[at:]])


def without_comments(text: str) -> str:
    """The text without closed HTML comments."""
    parts: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        parts.append(text[at:start])
        at = end + 3
    parts.append(text[at:])
    return "".join(parts)


def one_line(text: str) -> str:
    """Comments out, white space collapsed, at most MAX_TEXT characters."""
    line = " ".join(without_comments(text).split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1].rstrip() + "…"


def plain(text: str) -> str:
    """The text without emphasis, code and strike marks: what its words say."""
    bare = text.replace("*", "").replace("`", "").replace("~", "")
    return " ".join(_WORD_EDGE_UNDERSCORE.sub("", bare).split())


def normal(text: str) -> str:
    """The text as compared over edits: plain, caseless, without closing punctuation."""
    return unicodedata.normalize("NFKC", plain(text)).casefold().rstrip(" .;,:!。；，")


def split_box(text: str) -> tuple[bool | None, str]:
    """(ticked, rest) of `[x] rest`; None where there is no box.

    # spec: GFM task list items: one space or x in the brackets, white space after them.
    """
    match = _BOX.match(text)
    return (None, text) if match is None else (match[1] in "xX", text[match.end() :])


def split_author_id(text: str, *, hashes: bool = False) -> tuple[str | None, str]:
    """(id, rest) of `AC-1: rest` or `**FR-001**: rest`; with `hashes` also of `#3 rest`."""
    match = _AUTHOR_ID.match(text)
    if match is not None:
        return fold_author_id(match[1]), text[match.end() :].strip()
    match = _HASH_ID.match(text) if hashes else None
    return (None, text) if match is None else (f"#{match[1]}", text[match.end() :].strip())


def fold_author_id(text: str) -> str:
    """One spelling of an author's id: upper case, `-` for a space or underscore."""
    return text.upper().replace(" ", "-").replace("_", "-")


def split_waiver(text: str) -> tuple[bool, str]:
    """(struck, rest) of `~~rest~~` and `rest (out of scope)`."""
    if len(text) > 4 and text.startswith("~~") and text.endswith("~~"):
        return True, text[2:-2].strip()
    shorter = _OUT_OF_SCOPE.sub("", text[-40:]) if text.endswith((")", "]")) else text[-40:]
    return len(shorter) < len(text[-40:]), text[:-40] + shorter


def fold_label(text: str) -> str:
    """A heading as compared with the word lists."""
    bare = unicodedata.normalize("NFC", plain(without_comments(text[:400]))).replace("’", "'")
    kept = "".join(c for c in bare if unicodedata.category(c) not in _SYMBOLS and c != "\ufe0f")
    return _NUMBERING.sub("", kept.casefold().strip(" #"), count=1).strip(" :：?!")


def known_label(text: str) -> str:
    """`criteria`, `weak`, `tests`, `never`, `other`, or "" when the heading is none we know."""
    folded = fold_label(text)
    for candidate in (folded, *(folded.split(cut, 1)[0].strip() for cut in _LABEL_CUTS)):
        for name, labels in _LABELS:
            if candidate in labels:
                return name
    return ""


def label_of_line(line: str) -> str | None:
    """The label of a bold-only line or of a line that ends with a colon, else None."""
    bare = without_comments(line).strip()
    if len(bare) > 120:
        return None
    for mark in ("**", "__"):
        inner = bare.rstrip(":： ")
        if inner.startswith(mark) and inner.endswith(mark) and mark not in inner[2:-2]:
            return inner[2:-2].strip(" :：") or None
    if bare.endswith((":", "：")) and not bare.startswith(("-", "|", ">")):
        return plain(bare).rstrip(":： ") or None
    return None


def is_leftover(text: str) -> bool:
    """Whether the text is what a template left behind: `_No response_`, `[Describe …]`."""
    folded = normal(text)
    if folded in words.LEFTOVERS or _NUMBERED_LEFTOVER.fullmatch(folded[:60]):
        return True
    for left, right in (("[", "]"), ("<", ">"), ("{", "}")):
        inner = text[1:-1]
        if text.startswith(left) and text.endswith(right) and left not in inner:
            return right not in inner and "://" not in inner
    return False


def is_consent(text: str) -> bool:
    """Whether a ticked box is a form's consent, not a criterion."""
    folded = normal(text).replace("’", "'")
    return folded.startswith(words.CONSENT_STARTS) or "code of conduct" in folded

"""What stands around an item's words: boxes, ids, strikes, leftovers, consent. Linear time."""

import re

from hookyard.features.checklists import words
from hookyard.features.checklists.text import normal, plain

_BOX = re.compile(r"\[([ xX\u00a0])\](?:\s+|$)")
_PREFIXES = "|".join(words.AUTHOR_ID_PREFIXES)
_AUTHOR_ID = re.compile(
    r"(?:\*\*|__|`|\[|\()?"
    rf"((?:{_PREFIXES})[-_ .#]?[0-9]{{1,4}}(?:\.[0-9]{{1,3}})*)"
    r"(?:\*\*|__|`|\]|\))?(?:[:.)\]–—](?:\*\*|__)?(?:\s+|$|(?<=[:\])*_])\s*)"
    r"|\s+[-–—:]\s+|(?<=[*_`\])])\s+|\s*$)",
    re.IGNORECASE,
)
# why: without punctuation only what nobody writes by chance counts: capitals, and digits at once.
_BARE_ID = re.compile(r"((?:NFR|REQ|DOD|AC|FR|SC|TC|UC|US)-?[0-9]{1,4}(?:\.[0-9]{1,3})*)\s+")
_HASH_ID = re.compile(r"#([0-9]{1,4})[:.)]?\s+")
_STRUCK = re.compile(
    r"(~{1,2})(?!~)(?P<inner>.+?)\1(?!~)(?P<note>\s{0,9}[([].{0,200}[)\]])?\s{0,9}[.;]?"
)
_STRUCK_HTML = re.compile(
    r"<(del|s|strike)>(?P<inner>.{1,16384})</\1>(?P<note>\s{0,9}[([].{0,200}[)\]])?", re.IGNORECASE
)
_NUMBERED_LEFTOVER = re.compile(
    rf"(?:{'|'.join(words.LEFTOVER_NOUNS)})[ -]?#?(?:[0-9]{{1,2}}|[a-z]|n)"
)
_HOLE = re.compile(r"\[[^\[\]()]{1,80}\](?!\()|<[a-z][^<>:/]{0,80}>|\{[^{}]{1,80}\}", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_TAIL = 60


def split_box(text: str) -> tuple[bool | None, str]:
    """(ticked, rest) of `[x] rest`; None where there is no box.

    # spec: GFM task list items: one space or x in the brackets, white space after them.
    """
    if not text.startswith("["):
        return None, text
    match = _BOX.match(text)
    return (None, text) if match is None else (match[1] in "xX", text[match.end() :])


def split_author_id(text: str, *, hashes: bool = False) -> tuple[str | None, str]:
    """(id, rest) of `AC-1: rest` or `**FR-001**: rest`; with `hashes` also of `#3 rest`."""
    match = _AUTHOR_ID.match(text) or _BARE_ID.match(text)
    if match is not None:
        return fold_author_id(match[1]), text[match.end() :].strip()
    match = _HASH_ID.match(text) if hashes else None
    return (None, text) if match is None else (f"#{match[1]}", text[match.end() :].strip())


def fold_author_id(text: str) -> str:
    """One spelling of an author's id: upper case, `-` for a space, a point or an underscore."""
    folded = text.upper()
    letters = len(folded) - len(folded.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if letters and folded[letters : letters + 1] in tuple(" _.#"):
        return f"{folded[:letters]}-{folded[letters + 1 :]}"
    return folded


def has_hash_ids(texts: list[str]) -> bool:
    """Whether a list numbers its own items `#1`, `#2`, … rather than naming other issues."""
    found = [_HASH_ID.match(split_box(text)[1]) for text in texts]
    numbers = [int(match[1]) for match in found if match is not None]
    return len(numbers) > 1 and numbers == list(range(1, len(texts) + 1))


def split_waiver(text: str) -> tuple[bool, str]:
    """(struck, rest) of `~~rest~~`, `<del>rest</del>` and `rest (out of scope)`."""
    bare = text.strip("*_ ") if text.startswith(("*", "_")) else text
    for opening, pattern in (("~", _STRUCK), ("<", _STRUCK_HTML)):
        match = pattern.fullmatch(bare) if bare.startswith(opening) else None
        if match is not None and "~~" not in match["inner"]:
            return True, f"{match['inner'].strip()}{match['note'] or ''}".strip()
    tail = text[-_TAIL:]
    if tail.endswith((")", "]")):
        start = max(tail.rfind("("), tail.rfind("["))
        if start >= 0 and normal(tail[start + 1 : -1]) in words.OUT_OF_SCOPE:
            return True, (text[:-_TAIL] + tail[:start]).rstrip()
    if text.startswith(("(", "[")):
        inner, end, rest = text[1:_TAIL].partition(")" if text[0] == "(" else "]")
        if end and normal(inner) in words.OUT_OF_SCOPE:
            return True, (rest + text[_TAIL:]).strip(" :-–—")
    return False, text


def is_leftover(text: str) -> bool:
    """Whether the text is what a template left behind: `_No response_`, `[Describe …]`."""
    folded = normal(text[:400])
    if folded in words.LEFTOVERS or _NUMBERED_LEFTOVER.fullmatch(folded[:60]):
        return True
    for left, right in (("[", "]"), ("<", ">"), ("{", "}")):
        inner = text[1:-1]
        if text.startswith(left) and text.endswith(right) and left not in inner:
            return right not in inner and "://" not in inner
    return _is_only_holes(text)


def _is_only_holes(text: str) -> bool:
    """`Given [a context], when [something happens], then [an outcome]`."""
    if len(text) > 400 or not any(mark in text for mark in "[<{"):
        return False
    rest, count = _HOLE.subn(" ", plain(text))
    return count > 1 and all(word in words.AROUND_HOLES for word in _WORD.findall(rest.lower()))


def is_consent(text: str) -> bool:
    """Whether a ticked box is a form's consent, not a criterion."""
    folded = normal(text[:400]).replace("’", "'")
    return folded.startswith(words.CONSENT_STARTS) or any(
        phrase in folded for phrase in words.CONSENT_PHRASES
    )

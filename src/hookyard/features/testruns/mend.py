"""Makes XML that strict parsers refuse readable: characters, references and bare ampersands.

Characters that XML does not allow, and references to them, become U+FFFD; `&` that begins no
reference becomes `&amp;`; bytes that are no text become U+FFFD. Tags are left as they are. What
comes out is UTF-8, whatever the document declares.
"""

import codecs
import re
from collections.abc import Iterable, Iterator

_REPLACED = "\ufffd"
# spec: XML 1.0, 2.2 Characters.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND = re.compile(r"&(?:#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));|(amp|lt|gt|quot|apos);)?")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_LONGEST_REFERENCE = 14
_OPEN, _CLOSE = "<![CDATA[", "]]>"


def encoding_of(start: bytes) -> str:
    """The encoding that the first bytes show or declare; UTF-8 where they show none we know."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    match = _DECLARED.search(start[:256])
    if match is None:
        return "utf-8"
    try:
        info = codecs.lookup(match[1].decode("ascii"))
    except LookupError:
        return "utf-8"
    # why: a text that can be read this far as ASCII is no UTF-16, whatever it declares.
    is_text = info._is_text_encoding and not info.name.startswith(("utf-16", "utf-32"))
    return info.name if is_text else "utf-8"


def mended(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same document in UTF-8, mended."""
    decoder: codecs.IncrementalDecoder | None = None
    mender = _Mender()
    for chunk in chunks:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(encoding_of(chunk))("replace")
            chunk = chunk.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901  the mark is no text
        yield mender.feed(decoder.decode(chunk)).encode("utf-8", "replace")
    if decoder is not None:
        yield mender.feed(decoder.decode(b"", final=True), last=True).encode("utf-8", "replace")


class _Mender:
    """Mends a text that comes in pieces; what may be the start of something is held back."""

    def __init__(self) -> None:
        self._held = ""
        self._verbatim = False
        self._begun = False

    def feed(self, text: str, *, last: bool = False) -> str:
        """The next piece, mended."""
        text = self._held + text
        if not self._begun and text:
            text = text.removeprefix("\ufeff").lstrip()
            self._begun = bool(text)
        cut = len(text) if last else _safe_end(text)
        self._held = text[cut:]
        return _ILLEGAL.sub(_REPLACED, self._outside_cdata(text[:cut]))

    def _outside_cdata(self, text: str) -> str:
        parts: list[str] = []
        at = 0
        while at < len(text):
            mark = _CLOSE if self._verbatim else _OPEN
            found = text.find(mark, at)
            end = len(text) if found < 0 else found + len(mark)
            piece = text[at:end]
            parts.append(piece if self._verbatim else _AMPERSAND.sub(_reference, piece))
            if found >= 0:
                self._verbatim = not self._verbatim
            at = end
        return "".join(parts)


def _safe_end(text: str) -> int:
    """Where the text can be cut without cutting a reference or a mark of CDATA."""
    start = max(0, len(text) - _LONGEST_REFERENCE)
    places = [found for sign in ("&", "<", "]") if (found := text.find(sign, start)) >= 0]
    return min(places, default=len(text))


def _reference(match: re.Match[str]) -> str:
    hexadecimal, decimal, named = match.groups()
    if named is not None:
        return match[0]
    if hexadecimal is None and decimal is None:
        return "&amp;"
    code = int(hexadecimal, 16) if hexadecimal is not None else int(decimal)
    if code > 0x10FFFF or _ILLEGAL.match(chr(code)):
        return _REPLACED
    return match[0]

"""Ids of records, as they stand in paths and bodies.

A composite id is its parts joined by colons; in a part `%`, `:` and `/` are written `%25`, `%3A`
and `%2F`, as is what a path cannot hold anyway. In a path the parts are told apart before anything
is decoded, so `a%3Ab:c` has the parts `a:b` and `c` there as everywhere.
"""

import re
from urllib.parse import quote, unquote_to_bytes

from hookyard.features.records.schema.model import IdRule, Make
from hookyard.features.records.trouble import shown, wrong
from hookyard.kit.errors import Invalid

MAX_PART = 200
# why: Postgres keeps 2,704 bytes in an entry of an index, the tenant's name and lengths among them.
MAX_JOINED = 2_400
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLAIN = " !$&'()*+,;=@~"


def is_sound(text: str) -> bool:
    """Whether a text can be an id or a part of one: 1 to 200 printable characters."""
    return 0 < len(text) <= MAX_PART and text.isprintable()


def joined(parts: tuple[str, ...]) -> str:
    """The composite id of its parts."""
    return ":".join(part if _is_bare(part) else quote(part, safe=_PLAIN) for part in parts)


def kept(parts: tuple[str, ...], pointer: str) -> str:
    """`joined`; Invalid (`bad_id`) for what is too long to be kept, or asked for."""
    found = joined(parts)
    if len(found) > MAX_JOINED:
        raise wrong(pointer, "bad_id", f"an id of several parts is {MAX_JOINED} bytes at most")
    return found


def split(text: str, rule: IdRule, pointer: str) -> tuple[str, ...]:
    """The parts of a composite id; Invalid (`bad_id`) when it is none."""
    pieces = text.split(":")
    if len(text) > MAX_JOINED or len(pieces) != len(rule.fields):
        names = ":".join(rule.fields)
        raise wrong(pointer, "bad_id", f"the id has the form {names}, not {shown(text)}")
    return tuple(_decoded(piece, pointer) for piece in pieces)


def canonical(rule: IdRule, text: str, pointer: str) -> str:
    """An id out of a body as it is kept; Invalid (`bad_id`)."""
    if rule.make is Make.COMPOSITE:
        return kept(split(text, rule, pointer), pointer)
    if not is_sound(text):
        raise unsound(pointer)
    return text


def from_path(rule: IdRule, segment: str) -> str:
    """An id out of a path's segment that was not decoded yet; Invalid (`bad_id`)."""
    if rule.make is Make.COMPOSITE:
        return kept(split(segment, rule, "/path/id"), "/path/id")
    if "%" not in segment and is_sound(segment):
        return segment
    return _decoded(segment, "/path/id")


def in_path(rule: IdRule, found: str) -> str:
    """A kept id as a path's segment; a composite one is written so already."""
    if _is_bare(found.replace(":", "")):
        return found
    return quote(found, safe=_PLAIN + (":%" if rule.make is Make.COMPOSITE else ":"))


def _is_bare(part: str) -> bool:
    return part.isascii() and part.replace("-", "").replace("_", "").replace(".", "").isalnum()


def _decoded(piece: str, pointer: str) -> str:
    if _BAD_ESCAPE.search(piece):
        raise wrong(pointer, "bad_id", "a `%` in an id is written %25")
    try:
        text = unquote_to_bytes(piece).decode()
    except UnicodeDecodeError:
        raise wrong(pointer, "bad_id", "an id is UTF-8 text") from None
    if not is_sound(text):
        raise unsound(pointer)
    return text


def unsound(pointer: str) -> Invalid:
    """The refusal of an id, or a part of one, that cannot be one."""
    return wrong(pointer, "bad_id", f"an id, or a part of one, is 1 to {MAX_PART} printable signs")

"""The query of a request, read: names known, each once, JSON decoded. Pure.

`where` also has a short form for the command line, where a shell or curl takes quotes and braces
for its own: `userId:user-001` is `{"userId":"user-001"}`, and `a:x,b:y` asks for both.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from hookyard.features.records.trouble import shown, wrong
from hookyard.kit.errors import Invalid
from hookyard.kit.json import Json

MAX_QUERY = 32_768
_decode = msgspec.json.Decoder().decode
_SHORT = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}:[^,{}\"\[\]]{1,200}")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0", ""})


def read_query(raw: bytes, known: frozenset[str]) -> Mapping[str, str]:
    """The parameters by name; Invalid for one that is unknown, there twice, or no UTF-8."""
    if not raw:
        return {}
    if len(raw) > MAX_QUERY:
        raise wrong("/query", "too_long", f"a query has {MAX_QUERY} bytes at most")
    found: dict[str, str] = {}
    for pair in raw.split(b"&"):
        if not pair:
            continue
        name_raw, _, value_raw = pair.replace(b"+", b" ").partition(b"=")
        try:
            name, value = unquote_to_bytes(name_raw).decode(), unquote_to_bytes(value_raw).decode()
        except UnicodeDecodeError:
            raise wrong("/query", "bad_text", "a query is UTF-8 text") from None
        if name not in known:
            raise wrong(
                "/query", "unknown_parameter",
                f"there is no parameter {shown(name)}; there is {', '.join(sorted(known))}",
            )  # fmt: skip
        if name in found:
            raise wrong(f"/{name}", "given_twice", f"{name} is there twice")
        found[name] = value
    return found


def as_json(name: str, text: str) -> Json:
    """A parameter that is JSON, or a body that is (`name` "")."""
    return decoded(text.encode(), f"/{name}")


def decoded(raw: bytes, pointer: str) -> Json:
    """JSON text as values; Invalid (`bad_json`) when it is none."""
    try:
        found: Json = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else shown(error)
        raise wrong(pointer, "bad_json", f"not JSON: {why}") from None
    return found


def where_of(text: str) -> Json:
    """A filter, as JSON or in its short form."""
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    pairs = bare.split(",")
    if all(_SHORT.fullmatch(pair) for pair in pairs):
        return {name: value for name, _, value in (pair.partition(":") for pair in pairs)}
    return as_json("where", text)


def flag(name: str, text: str | None) -> bool:
    """true or false; absent is false."""
    if text is None or text in _FALSE:
        return False
    if text in _TRUE:
        return True
    raise wrong(f"/{name}", "wrong_type", f"{name} is true or false")


def whole(name: str, text: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise _outside(name, least, most)
    found = int(text)
    if not least <= found <= most:
        raise _outside(name, least, most)
    return found


def _outside(name: str, least: int, most: int) -> Invalid:
    return wrong(f"/{name}", "out_of_range", f"{name} is a whole number from {least} to {most}")

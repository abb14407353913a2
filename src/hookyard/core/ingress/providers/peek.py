"""A narrow look into a JSON body: a few named strings, without building the rest of it.

The body is scanned once per level and only the wanted fields are kept, so memory stays
bounded by the paths, not by what a stranger sent.
"""

from collections.abc import Sequence

import msgspec

_MAX_STRING = 1024
_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)


class Peek:
    """Reads the strings at fixed paths: `Peek(("event_id",), ("event", "type"))`."""

    def __init__(self, *paths: tuple[str, ...]) -> None:
        children: dict[str, list[tuple[str, ...]]] = {}
        for path in paths:
            children.setdefault(path[0], []).append(path[1:])
        self._names = tuple(children)
        self._wanted = {path[0] for path in paths if len(path) == 1}
        self._deeper = {
            name: Peek(*deeper)
            for name, tails in children.items()
            if (deeper := [tail for tail in tails if tail])
        }
        fields = [(f"f{i}", msgspec.Raw, msgspec.Raw()) for i in range(len(self._names))]
        names = {f"f{i}": name for i, name in enumerate(self._names)}
        self._decoder = msgspec.json.Decoder(
            msgspec.defstruct("Wanted", fields, rename=names, gc=False)
        )

    def read(self, body: bytes | msgspec.Raw) -> dict[tuple[str, ...], str]:
        """The strings found, by path; what is missing, too long or no string is left out."""
        try:
            wanted = self._decoder.decode(body)
        except _ERRORS:
            return {}
        found: dict[tuple[str, ...], str] = {}
        for index, name in enumerate(self._names):
            raw: msgspec.Raw = getattr(wanted, f"f{index}")
            text = _string(raw) if name in self._wanted else None
            if text is not None:
                found[name,] = text
            elif name in self._deeper:
                deeper = self._deeper[name].read(raw)
                found.update({(name, *path): value for path, value in deeper.items()})
        return found


def _string(raw: msgspec.Raw) -> str | None:
    view = memoryview(raw)
    if not 2 <= len(view) <= _MAX_STRING or view[0] != 0x22:
        return None
    try:
        return msgspec.json.decode(raw, type=str)
    except _ERRORS:
        return None


def first(found: dict[tuple[str, ...], str], paths: Sequence[tuple[str, ...]]) -> str:
    """The first non-empty string among the paths, or ""."""
    return next((found[path] for path in paths if found.get(path)), "")

"""A place in a declaration: reads its keys one by one, and says where something is wrong."""

from collections.abc import Sequence

from hookyard.core.identity.model import Role
from hookyard.core.repositories.yamltree import Located, Scalar

MAX_TEXT = 2_000


class Wrong(Exception):
    """What is wrong at a place of a file."""

    def __init__(self, line: int, path: str, reason: str) -> None:
        self.line = line
        self.path = path
        self.reason = reason
        super().__init__(reason)


class Cursor:
    """One value of the file, with the path of keys that leads to it, and the line of its key."""

    def __init__(self, path: str, node: Located, line: int | None = None) -> None:
        self.path = path
        self.node = node
        self.line = node.line if line is None else line

    def wrong(self, reason: str) -> Wrong:
        """The error of this place."""
        return Wrong(self.line, self.path, reason)

    def only(self, known: frozenset[str]) -> None:
        """Refuse keys that mean nothing here, or a value that has no keys."""
        value = self.node.value
        if not isinstance(value, dict):
            raise self.wrong(f"expected keys here: {', '.join(sorted(known))}")
        for name, (line, _) in value.items():
            if name not in known:
                raise Wrong(
                    line, self.path,
                    f"there is no key {name[:60]!r} here; there is: {', '.join(sorted(known))}",
                )  # fmt: skip

    def has(self, name: str) -> bool:
        """Whether the key is there."""
        return isinstance(self.node.value, dict) and name in self.node.value

    def child(self, name: str) -> "Cursor | None":
        """The value under a key."""
        value = self.node.value
        if not isinstance(value, dict) or name not in value:
            return None
        line, node = value[name]
        return Cursor(f"{self.path}.{name}".lstrip("."), node, line)

    def items(self, name: str) -> "list[tuple[str, Cursor]]":
        """Names and places under a key; none when it is absent."""
        child = self.child(name)
        if child is None or child.node.value is None:
            return []
        if not isinstance(child.node.value, dict):
            raise child.wrong("expected names with something under each")
        return [
            (key, Cursor(f"{child.path}.{key}", node, line))
            for key, (line, node) in child.node.value.items()
        ]

    def elements(self, name: str) -> "list[Cursor]":
        """The places of a list under a key; none when it is absent."""
        child = self.child(name)
        if child is None or child.node.value is None:
            return []
        if not isinstance(child.node.value, list):
            raise child.wrong("expected a list")
        return [Cursor(f"{child.path}[{n}]", node) for n, node in enumerate(child.node.value)]

    def listed(self) -> tuple[str, ...]:
        """This place as a list of texts."""
        value = self.node.value
        if not isinstance(value, list) or not all(isinstance(v.value, str) for v in value):
            raise self.wrong("expected a list of texts; put numbers in quotes")
        return tuple(str(v.value) for v in value)

    def text(self, name: str, default: str = "") -> str:
        """A text under a key."""
        child = self.child(name)
        if child is None:
            return default
        value = child.node.value
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise child.wrong(f"expected a text of {MAX_TEXT} characters at most")
        return value.strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts under a key; none when it is absent."""
        child = self.child(name)
        return () if child is None else child.listed()

    def one_of(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of some words under a key."""
        value = self.text(name, default)
        if value not in allowed:
            child = self.child(name) or self
            raise child.wrong(f"must be one of {', '.join(allowed)}, not {value[:60]!r}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """true or false under a key."""
        child = self.child(name)
        if child is None:
            return default
        if not isinstance(child.node.value, bool):
            raise child.wrong("must be true or false")
        return child.node.value

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number under a key; None when it is absent."""
        child = self.child(name)
        if child is None:
            return None
        value = child.node.value
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise child.wrong(f"must be a whole number from {least} to {most}")
        return value

    def roles(self, name: str) -> tuple[Role, ...]:
        """Roles under a key; an empty list is nobody."""
        child = self.child(name)
        if child is None:
            return ()
        known = {role.value: role for role in Role}
        for text in child.listed():
            if text not in known:
                raise child.wrong(f"there is no role {text[:60]!r}; there is: {', '.join(known)}")
        return tuple(dict.fromkeys(known[text] for text in child.listed()))

    def scalar(self, name: str) -> Scalar:
        """A plain value under a key; None when it is absent."""
        child = self.child(name)
        if child is None:
            return None
        if isinstance(child.node.value, dict | list):
            raise child.wrong("must be a plain value")
        return child.node.value

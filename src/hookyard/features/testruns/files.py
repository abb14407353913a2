"""Which file of a repository a case is in, by the repository's own list of files. Pure.

What is not certain is not said: two files that fit equally well are none.
"""

import re
from collections.abc import Iterable, Sequence

_DOTTED = re.compile(r"[\w$-]+(?:[.$:+][\w$-]+)*")
_TESTLIKE = ("test", "spec")


class Tree:
    """The files of a commit. `partial` when the list was cut: then only whole paths are found."""

    def __init__(self, paths: Iterable[str], *, partial: bool = False) -> None:
        self._paths = set(paths)
        self._partial = partial
        self._by_name: dict[str, list[str]] = {}
        self._by_stem: dict[str, list[str]] = {}
        for path in self._paths:
            base = path.rpartition("/")[2]
            self._by_name.setdefault(base, []).append(path)
            stem = base.partition(".")[0] if not base.startswith(".") else base
            self._by_stem.setdefault(stem, []).append(path)

    def file_of(self, file: str, classname: str) -> str:
        """The path in the repository of what a report says, or "" when it is not certain."""
        said = file.replace("\\", "/").removeprefix("file://").removeprefix("./")
        return (self._of_path(said) if said else "") or self._of_class(classname)

    def _of_path(self, said: str) -> str:
        """By the longest end of a path; the report's own root may lie above or below ours."""
        if said in self._paths:
            return said
        if self._partial:
            return ""
        parts = [part for part in said.split("/") if part not in ("", ".", "..")]
        if not parts:
            return ""
        best, tied = 0, [""]
        for path in self._by_name.get(parts[-1], ()):
            shared = _shared(path.split("/"), parts)
            if shared == len(path.split("/")) or shared == len(parts):
                if shared > best:
                    best, tied = shared, [path]
                elif shared == best:
                    tied.append(path)
        return tied[0] if len(tied) == 1 else ""

    def _of_class(self, classname: str) -> str:
        """By the longest beginning of a dotted name that is a file without its ending."""
        if self._partial or len(classname) > 500 or _DOTTED.fullmatch(classname) is None:
            return ""
        parts = [part for part in re.split(r"[.$:+]", classname) if part]
        for end in range(len(parts), 0, -1):
            if not _may_drop(parts[end:]):
                return ""
            found = self._ending_with(parts[:end])
            if len(found) > 1:
                return ""
            if found and (end > 1 or _is_testlike(found[0]) or end == len(parts)):
                return found[0]
        return ""

    def _ending_with(self, parts: Sequence[str]) -> list[str]:
        """Files whose folders and stem end with these names; those that are just that go first."""
        whole: list[str] = []
        ends: list[str] = []
        for path in self._by_stem.get(parts[-1], ()):
            names = path.split("/")
            names[-1] = parts[-1]
            if names == list(parts):
                whole.append(path)
            elif len(names) > len(parts) and names[-len(parts) :] == list(parts):
                ends.append(path)
        return whole or ends


def _shared(left: Sequence[str], right: Sequence[str]) -> int:
    """How many of the last parts are the same."""
    count = 0
    for one, other in zip(reversed(left), reversed(right), strict=False):
        if one != other:
            break
        count += 1
    return count


def _may_drop(dropped: Sequence[str]) -> bool:
    """Whether the names behind a file's could be classes in it."""
    return all(name[:1].isupper() or name.isdigit() for name in dropped)


def _is_testlike(path: str) -> bool:
    return any(word in path.lower() for word in _TESTLIKE)

"""Criterion ids in what a test says of itself: names, classes, properties, tags. Pure.

Forms: `T1::name` in a name; `autoqa:T4` in a class or name, with lists (`autoqa:T1,T2`), inside
dotted names and in any case; `_T1_` for languages without colons; `@T1` tags; `42/T1` and
`#42:T1` name the issue too. An id comes out as `T1`, or `42/T1` when the issue is named. Whether
an id exists, or is ambiguous, is not judged here.
"""

import re

MAX_IDS = 50
_ONE = r"(?:#?([1-9][0-9]{0,9})[/:])?T-?([1-9][0-9]{0,3})(?![0-9])"
_ID = re.compile(_ONE, re.IGNORECASE)
_WHOLE = re.compile(rf"\s*@?{_ONE}\s*", re.IGNORECASE)
_LIST = rf"{_ONE}(?:\s*[,;+&]\s*{_ONE})*"
# A cheap look before the exact ones: nearly every name has none of these.
_MAYBE = re.compile(r"(?<![A-Za-z0-9])[Tt]-?[1-9]")
_LEADING = re.compile(rf"(?:^|(?<=[\s.:>/\[(]))({_LIST})\s*::", re.IGNORECASE)
_MARKED = re.compile(rf"(?<![A-Za-z0-9])autoqa[:=]\s*({_LIST})(?![A-Za-z0-9])", re.IGNORECASE)
_TAG = re.compile(rf"(?<![\w@])@{_ONE}(?![\w-])", re.IGNORECASE)
_HASHED = re.compile(r"(?<![\w#/])#([1-9][0-9]{0,9})[:/]T-?([1-9][0-9]{0,3})(?![A-Za-z0-9])", re.I)
_PATHED = re.compile(r"(?<![\w#/.-])([1-9][0-9]{0,9})/T([1-9][0-9]{0,3})(?![A-Za-z0-9])")
_UNDERSCORED = re.compile(
    r"(?:^|(?<=_)|(?<=[.:\s/]))T([1-9][0-9]{0,3})(?=_)|(?<=_)T([1-9][0-9]{0,3})$"
)
# why: a small t is common in other words, as in machine types; so it needs one on either side.
_LOWER_UNDERSCORED = re.compile(r"(?<=_)t([1-9][0-9]{0,3})(?=_)|(?<=test_)t([1-9][0-9]{0,3})$")
_SPLIT = re.compile(r"[\s,;|]+")
# What properties that carry ids are called, in lower case without separators.
# spec: pytest record_property; Testmo's and Xray's JUnit properties.
PROPERTIES = frozenset(
    {
        "autoqa", "autoqaid", "criterion", "criteria", "criterionid", "criteriaids", "criterionids",
        "testid", "testids", "tid", "requirement", "requirements", "testkey", "testcaseid", "tag",
        "tags", "category", "categories", "label", "labels", "acceptancecriteria", "hookyard",
        "acceptancecriterion", "covers", "verifies",
    }
)  # fmt: skip


def from_names(name: str, classname: str) -> tuple[str, ...]:
    """The ids in a case's name and class, in order, each once."""
    if _MAYBE.search(name) is None and _MAYBE.search(classname) is None:
        return ()
    found: dict[str, None] = {}
    for text in (name, classname):
        for id_ in _from_text(text):
            if len(found) < MAX_IDS:
                found[id_] = None
    return tuple(found)


def from_property(name: str, value: str) -> tuple[str, ...]:
    """The ids in a property, trait, category or tag, when it is of a kind that carries ids.

    A bare tag has no name: `from_property("tag", "@T1")`.
    """
    folded = name.lower().translate(_SEPARATORS).removeprefix("testmo").rpartition(":")[2]
    if folded not in PROPERTIES:
        return from_tag(name)
    found: dict[str, None] = {}
    for word in _SPLIT.split(value[:2_000]):
        bare = word.strip("[]()\"'")
        match = _WHOLE.fullmatch(bare.lower().removeprefix("autoqa:").strip())
        if match is not None and len(found) < MAX_IDS:
            found[_spelled(match[1], match[2])] = None
    return tuple(found)


def from_tag(text: str) -> tuple[str, ...]:
    """The id of a tag that is one whole: `T1`, `@T1`, `autoqa:T1`, `42/T1`."""
    bare = text.strip().lower().removeprefix("@").removeprefix("autoqa:")
    match = _WHOLE.fullmatch(bare) if len(bare) < 40 else None
    return () if match is None else (_spelled(match[1], match[2]),)


def parse_id(text: str) -> tuple[int | None, str] | None:
    """(issue or None, `T1`) of an id as it is kept; None when it is none."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    return (int(match[1]) if match[1] else None), f"T{match[2]}"


def _from_text(text: str) -> list[str]:
    found: list[str] = []
    text = text[:2_000]
    for pattern in (_LEADING, _MARKED):
        for match in pattern.finditer(text):
            found.extend(_spelled(one[1], one[2]) for one in _ID.finditer(match[1]))
    for pattern in (_TAG, _HASHED, _PATHED):
        found.extend(_spelled(match[1], match[2]) for match in pattern.finditer(text))
    for pattern in (_UNDERSCORED, _LOWER_UNDERSCORED):
        found.extend(f"T{match[1] or match[2]}" for match in pattern.finditer(text))
    named = {id_.partition("/")[2] for id_ in found if "/" in id_}
    return [id_ for id_ in found if "/" in id_ or id_ not in named]


def _spelled(issue: str | None, number: str) -> str:
    return f"{issue}/T{number}" if issue else f"T{number}"


_SEPARATORS = str.maketrans("", "", "_-. ")

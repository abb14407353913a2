"""Rules on pages that must stay true: the tour of the house, the registry, settings, changes."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.house.tree import Source

FLOORS = ("entrypoints", "features", "core", "adapters")
ROOM_ROW = re.compile(r"^\| `(\w+/\w+)` \|.*\| (here|planned) \|$", re.MULTILINE)
SETTING_LINE = re.compile(r"^#? ?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
CHANGE_KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def rooms(package: Path) -> set[str]:
    """The rooms of a house, as `floor/room`."""
    return {
        f"{floor}/{init.parent.name}"
        for floor in FLOORS
        for init in (package / floor).glob("*/__init__.py")
    }


def room_differences(package: Path, page: str) -> list[str]:
    """Rooms that the page and the tree do not agree on."""
    listed = dict(ROOM_ROW.findall(page))
    there = rooms(package)
    return [
        *(f"{room}: not in the page" for room in sorted(there - set(listed))),
        *(f"{r}: planned, yet it is here" for r in sorted(there) if listed.get(r) == "planned"),
        *(f"{r}: not here" for r in sorted(set(listed) - there) if listed[r] == "here"),
    ]


def unregistered_kinds(sources: Iterable[Source]) -> list[str]:
    """Kinds of job whose module the registry does not import, once there is a registry."""
    every = list(sources)
    registry = [source for source in every if source.under("src/hookyard/registry")]
    if not registry:
        return []
    imported = {name for source in registry for _, name in source.imports()}
    return [
        f"{source.path}:{line} {name}"
        for source in every
        if source not in registry
        and not any(n == source.dotted or n.startswith(source.dotted + ".") for n in imported)
        for line, name in job_kinds(source)
    ]


def job_kinds(source: Source) -> list[tuple[int, str]]:
    """Line and name of every `JobKind(…)` a file declares, in a module or in a class."""
    return [
        (node.lineno, ast.unparse(named[0]))
        for node in outside_functions(source.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rsplit(".", 1)[-1] == "JobKind"
        and (named := [*node.args[:1], *(k.value for k in node.keywords if k.arg == "name")])
    ]


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that run when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from outside_functions(node)


def unlisted_settings(names: Iterable[str], example: str) -> list[str]:
    """Settings env.example does not show, and lines of it that set nothing."""
    known = set(names)
    listed = SETTING_LINE.findall(example)
    return [
        *(f"{name}: not in env.example" for name in sorted(known - set(listed))),
        *(f"{name}: no such setting" for name in sorted(set(listed) - known)),
        *(f"{name}: listed twice" for name in sorted({n for n in listed if listed.count(n) > 1})),
    ]


def wrong_defaults(defaults: Mapping[str, str], example: str) -> list[str]:
    """Settings whose default env.example shows wrongly."""
    shown = dict(re.findall(r"^# ([A-Z][A-Z0-9_]+)=(.*)$", example, re.MULTILINE))
    return [
        f"{name}: the default is {default!r}, shown is {shown[name]!r}"
        for name, default in defaults.items()
        if name in shown and shown[name] != default
    ]


def changelog_faults(text: str) -> list[str]:
    """What keeps a change log from being in the Keep-a-Changelog form."""
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    faults = [f"no such kind of change: {kind}" for kind in sorted(kinds - CHANGE_KINDS)]
    if versions[:1] != ["[Unreleased]"]:
        faults.append("the first version must be [Unreleased]")
    faults += [
        f"not a version with its day: {version}"
        for version in versions[1:]
        if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", version)
    ]
    return faults


def decision_faults(name: str, text: str) -> list[str]:
    """What a decision record lacks: a title with its number, a status, the five headings."""
    number = name.split("-", 1)[0]
    faults = [] if text.startswith(f"# {int(number)}. ") else [f"{name}: title lacks its number"]
    if not re.search(r"^Status: (?:accepted|proposed|superseded by \d{4})$", text, re.MULTILINE):
        faults.append(f"{name}: no status")
    wanted = ("Context", "Decision", "Consequences", "Alternatives", "Enforced by")
    headings = tuple(re.findall(r"^## (.+)$", text, re.MULTILINE))
    return faults if headings == wanted else [*faults, f"{name}: headings are not the five"]

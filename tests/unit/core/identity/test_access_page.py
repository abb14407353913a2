"""docs/operate/access.md shows the table of roles as it is."""

import re
from pathlib import Path

from hookyard.core.identity.model import Action, ActorKind, Role, ScopeKind
from hookyard.core.identity.rules import TABLE

PAGE = (Path(__file__).parents[4] / "docs/operate/access.md").read_text()


def test_every_action_has_its_row_and_every_role_its_column() -> None:
    head = next(line for line in PAGE.splitlines() if line.startswith("| action |"))
    assert head.strip("| ").split(" | ") == ["action", *(role.value for role in Role)]
    rows = dict(re.findall(r"^\| `([a-z_]+\.[a-z]+)` \|(.*)\|$", PAGE, re.MULTILINE))
    assert {
        action: [bool(cell.strip()) for cell in cells.split("|")] for action, cells in rows.items()
    } == {action.value: [action in TABLE[role] for role in Role] for action in Action}


def test_every_kind_of_caller_and_scope_is_named() -> None:
    assert all(f"| `{kind.value}` |" in PAGE for kind in ActorKind)
    assert all(
        f"| `{kind.value}{':' if kind.value != 'tenant' else '`'}" in PAGE for kind in ScopeKind
    )

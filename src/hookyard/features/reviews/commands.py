"""Commands about criteria, in comments and from the check's buttons. Pure.

`waive T3 reason…` · `unwaive T3` · `manual T3 reason…` · `unmark T3` · `unlink 42` ·
`revalidate` · `regenerate` · `explain T2` · `flag reason…`
"""

import re
from dataclasses import dataclass

from hookyard.core.ingress.model import Command, CommandKind, Event
from hookyard.kit.json import as_text, dig

WORDS = frozenset(
    {
        "waive",
        "unwaive",
        "manual",
        "unmark",
        "unlink",
        "revalidate",
        "regenerate",
        "explain",
        "flag",
    }
)
BUTTONS = frozenset({"waive", "revalidate"})
NEEDS_ID = frozenset({"waive", "unwaive", "manual", "unmark"})
CHECK = "hookyard/criteria"
_ID = re.compile(r"(?:#?([1-9][0-9]{0,9})[/:])?[Tt]([1-9][0-9]{0,8})(?![\w])[,:;.]?")
_NUMBER = re.compile(r"#?([1-9][0-9]{0,9})(?![\w])[,:;.]?")


@dataclass(frozen=True, slots=True)
class Order:
    """A command with its parts. `issue` is the one it names, None where it names none."""

    word: str
    issue: int | None = None
    criterion_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Misread:
    """Why a command cannot be understood, and how it is written."""

    reason: str


def takes(command: Command, event: Event) -> bool:
    """Whether a command is ours; an `explain` of anything but a criterion is for an agent."""
    if event.provider != "github" or event.repository is None:
        return False
    if command.kind is CommandKind.ACTION:
        return command.name in BUTTONS and as_text(dig(event.payload, "check_run", "name")) == CHECK
    if command.kind not in (CommandKind.COMMENT, CommandKind.MENTION) or command.number is None:
        return False
    if command.name == "explain":
        return not command.text.strip() or _ID.match(command.text.strip()) is not None
    return command.name in WORDS


def read(word: str, text: str) -> Order | Misread:
    """The parts of a command of ours."""
    rest = " ".join(text.split())
    if word == "unlink":
        number = _NUMBER.match(rest)
        if number is None:
            return Misread("it names no issue; write: unlink 42 reason")
        return Order(word, int(number[1]), None, rest[number.end() :].strip())
    if word in NEEDS_ID or word == "explain":
        found = _ID.match(rest)
        if found is not None:
            issue = None if found[1] is None else int(found[1])
            return Order(word, issue, f"T{int(found[2])}", rest[found.end() :].strip())
        if word in NEEDS_ID:
            return Misread(f"it names no criterion; write: {word} T3 reason")
    return Order(word, reason=rest)

"""Quoting text of strangers so that it pings nobody, links nothing and forges nothing.

A zero-width space after the dangerous character keeps the text readable in prose and in code
alike, where entities or backslashes would show.
"""

import re

from hookyard.core.publishing.fit import closers, encodable
from hookyard.kit.text import HIDDEN

_GAP = "\u200b"
# why: GitHub looks for mentions and references in the rendered text, so entities count too.
_AFTER = re.compile(
    r"@"
    r"|<(?=[A-Za-z/!?])"
    r"|&(?=[#A-Za-z])"
    r"|#(?=\d)"
    r"|\b[Gg][Hh]-(?=\d)"
    r"|/(?:issues|pulls?|discussions|commit)/(?=[0-9a-f])"
)
_DEFINITION = re.compile(r"^([ >\t]*\[[^\]\n]*\])(?=:)", re.MULTILINE)
_COMMAND = re.compile(r"^([ \t>*+-]*)(?=/[A-Za-z])", re.MULTILINE)
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")
_BACKTICKS = re.compile(r"`+")


def defuse(text: str) -> str:
    """Markdown of a stranger, harmless inside ours.

    Mentions, issue and commit references, HTML, entities, hidden markers, link definitions and
    slash commands of other bots are broken by a zero-width space; open code fences are closed.
    """
    safe = _broken(text)
    return safe + closers(safe)


def literal(text: str) -> str:
    """A stranger's text as one line that shows exactly its characters, with no formatting."""
    return _SPECIAL.sub(r"\\\1", _broken(" ".join(text.split())))


def quote(text: str) -> str:
    """A stranger's text as a block quote."""
    return "\n".join(f"> {line}" if line else ">" for line in defuse(text).split("\n"))


def code(text: str) -> str:
    """A stranger's text as one code span, whatever backticks it holds."""
    line = _broken(" ".join(text.split())) or _GAP
    longest = max((len(run) for run in _BACKTICKS.findall(line)), default=0)
    ticks = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def _broken(text: str) -> str:
    plain = encodable(text.replace("\r\n", "\n").replace("\r", "\n"))
    plain = HIDDEN.sub("", plain)
    safe = _AFTER.sub(lambda found: found.group(0) + _GAP, plain)
    safe = _DEFINITION.sub(lambda found: found.group(1) + _GAP, safe)
    return _COMMAND.sub(lambda found: found.group(1) + _GAP, safe)

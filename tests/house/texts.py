"""Rules on what no committed file may say: addresses, machine paths, unfinished work."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.house.tree import Source, text_of

# why: spelled in parts, so that this file does not break its own rule.
REGISTRIES = re.compile(
    r"py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(?:org|com)|yarn" + r"pkg\.com"
    r"|proxy\.go" + r"lang\.org|extra-" + r"index-url|\"reso" + r"lved\":\s*\"\w+:",
    re.IGNORECASE,
)
# why: /home/runner is where GitHub's own runners work, so recorded reports may show it.
MACHINE_PATHS = re.compile(
    r"(?<![\w.~/$})*-])/(?:work|root|home/(?!runner\b)[a-z]\w*|opt/(?:py" + r"pi|wheels)[\w-]*"
    r"|tmp/hook" + r"y[\w-]*)(?=[/\s\"'`),;:\]]|$)"
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
BARE_SILENCE = re.compile(r"type:\s*ignore(?!\[)|noqa(?!:\s*[A-Z])", re.IGNORECASE)


def matching_lines(root: Path, files: Iterable[Path], pattern: re.Pattern[str]) -> list[str]:
    """Places of text files where a pattern is found."""
    return [
        f"{path.relative_to(root).as_posix()}:{number}: {match[0]}"
        for path in files
        if (text := text_of(path)) is not None
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]


def registry_addresses(root: Path, files: Iterable[Path]) -> list[str]:
    """Addresses of package registries."""
    return matching_lines(root, files, REGISTRIES)


def machine_paths(root: Path, files: Iterable[Path]) -> list[str]:
    """Absolute paths that exist on one machine only."""
    return matching_lines(root, files, MACHINE_PATHS)


def comments(source: Source) -> Iterator[tuple[int, str]]:
    """Line and text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def unfinished(sources: Iterable[Source]) -> list[str]:
    """Comments that promise work, and code that raises or returns NotImplemented."""
    return [
        f"{source.path}:{line}: {what}"
        for source in sources
        for line, what in (*promises(source), *not_implemented(source))
    ]


def promises(source: Source) -> Iterator[tuple[int, str]]:
    """Comments that say the work is not done."""
    for line, text in comments(source):
        if UNFINISHED.search(text):
            yield line, text


def not_implemented(source: Source) -> Iterator[tuple[int, str]]:
    """Names that say the code is not there."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id == "NotImplemented" + "Error":
            yield node.lineno, node.id


def bare_silencers(sources: Iterable[Source]) -> list[str]:
    """Comments that silence a checker without naming what they silence."""
    return [
        f"{source.path}:{line}: {text}"
        for source in sources
        for line, text in comments(source)
        if BARE_SILENCE.search(text)
    ]

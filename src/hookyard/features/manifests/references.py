"""What a test file names and imports, and whether that is a given source file. Pure, by text.

Imports are read line by line, without knowing search paths: `from shop.cart import Cart` is an
import of any file whose path ends in `shop/cart`. Relative ones are resolved.
"""

import posixpath
import re
from dataclasses import dataclass

from hookyard.features.manifests.languages import Language, family

MAX_BYTES = 512 * 1024
MAX_IMPORTS = 2_000

_WORD = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]*")
_PYTHON = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+([^#\n]{1,400})|import[ \t]+([^#\n]{1,400}))",
    re.MULTILINE,
)
_QUOTED = re.compile(
    rb"""(?:\bfrom|\bimport|\brequire|\bmock|\brequire_relative|\bload|\bsource)"""
    rb"""[ \t]*\(?[ \t]*['"]([^'"\n]{1,300})['"]"""
)
_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]{1,300})[>\"]", re.MULTILINE)
_DOTTED = re.compile(
    rb"^[ \t]*(?:import|using|use)[ \t]+(?:static[ \t]+)?([A-Za-z_][\w.\\:]{1,300})", re.MULTILINE
)
_GO_PATH = re.compile(
    rb"^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?\"([^\"\n ]{1,300})\"", re.MULTILINE
)
_SHELL = re.compile(rb"^[ \t]*(?:source|\.|load)[ \t]+['\"]?([^'\"\n;&|]{1,300})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Names in a test file, and the tails of paths it imports (no ending, `/` between parts)."""

    words: frozenset[bytes]
    imports: frozenset[str]


def mentions(path: str, language: Language, source: bytes) -> Mentions:
    """What a test file mentions; of a large one, its first 512 KiB."""
    content = source[:MAX_BYTES]
    words = frozenset(_WORD.findall(content))
    folder = posixpath.dirname(path)
    tails: set[str] = set()
    for raw in _imports(family(language.name), content):
        tail = _tail(raw.decode("utf-8", "replace").strip(), folder)
        if tail and len(tails) < MAX_IMPORTS:
            tails.add(tail)
    return Mentions(words, frozenset(tails))


def _imports(kind: str, content: bytes) -> list[bytes]:
    if kind == "python":
        return _python(content)
    if kind == "cpp":
        return _INCLUDE.findall(content)
    if kind == "go":
        return _GO_PATH.findall(content)
    if kind == "bash":
        return [*_SHELL.findall(content), *_QUOTED.findall(content)]
    if kind in ("javascript", "ruby"):
        return _QUOTED.findall(content)
    return [part for raw in _DOTTED.findall(content) for part in _dotted(raw)]


def _dotted(raw: bytes) -> list[bytes]:
    """An import and what it is in: `crate::cart::total` is a name in `cart`."""
    bare = raw.replace(b"::", b".").rstrip(b".*_")
    for start in (b"crate.", b"super.", b"self."):
        bare = bare.removeprefix(start)
    holder = bare.replace(b"\\", b".").rpartition(b".")[0]
    return [bare, holder] if holder else [bare]


def _python(content: bytes) -> list[bytes]:
    found: list[bytes] = []
    for module, names, plain in _PYTHON.findall(content):
        if plain:
            found += [part.split(b" as ")[0].strip() for part in plain.split(b",")]
            continue
        found.append(module)
        for name in names.strip(b"( )\\").split(b","):
            bare = name.split(b" as ")[0].strip(b" ()")
            if _WORD.fullmatch(bare):
                found.append(module + (b"" if module.endswith(b".") else b".") + bare)
    return found


def _tail(raw: str, folder: str) -> str:
    """An import as the tail of a path: dots, `::` and `\\` are slashes, endings are off."""
    if raw.startswith(("./", "../")):
        return _no_ending(posixpath.normpath(posixpath.join(folder, raw)))
    if raw.startswith(".") and "/" not in raw:
        dots = len(raw) - len(raw.lstrip("."))
        base = folder.split("/")[: len(folder.split("/")) - (dots - 1)]
        return "/".join([*base, *raw.lstrip(".").split(".")]).strip("/")
    if "/" in raw or "." not in raw.replace("::", ".").replace("\\", "."):
        return _no_ending(raw.strip("/"))
    if re.fullmatch(r"[\w-]+\.(?:h|hh|hpp|hxx|js|ts|mjs|rb|sh|bash)", raw):
        return _no_ending(raw)
    return raw.replace("::", "/").replace("\\", "/").replace(".", "/").strip("/")


def _no_ending(path: str) -> str:
    return re.sub(r"\.(?:[cm]?[jt]sx?|rb|h|hh|hpp|hxx|sh|bash|py|php)$", "", path)


def tails_of(source_path: str) -> tuple[str, ...]:
    """The tails by which a source file may be imported, the whole of its path first."""
    stem = source_path.rpartition(".")[0] or source_path
    for index in ("/__init__", "/index", "/mod"):
        stem = stem.removesuffix(index)
    parts = stem.split("/")
    return tuple("/".join(parts[n:]) for n in range(len(parts)))


def is_imported(source_path: str, tails: frozenset[str]) -> bool:
    """Whether any of the imported tails means this source file."""
    return not tails.isdisjoint(tails_of(source_path))


def is_package_imported(source_path: str, tails: frozenset[str]) -> bool:
    """Whether the folder of a source file is imported, as Go's and Rust's packages are."""
    folder = posixpath.dirname(source_path)
    parts = folder.split("/") if folder else []
    if not parts:
        return False
    return any(tail == folder or tail.endswith(f"/{folder}") for tail in tails) or any(
        "/".join(parts[n:]) in tails for n in range(len(parts) - 1)
    )

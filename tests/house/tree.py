"""The project's own files as the house rules see them: paths, text and syntax trees."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON_FOLDERS = ("src", "tests", "tools", "benchmarks")
UNTRACKED = frozenset(
    {".git", ".venv", ".build", ".hookyard", "node_modules", "dist", "__pycache__", ".hypothesis"}
)


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the root it was read from, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.path)

    @property
    def dotted(self) -> str:
        """Its module name: `src/hookyard/kit/ids.py` is `hookyard.kit.ids`."""
        name = self.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        return name.replace("/", ".")

    @property
    def is_package(self) -> bool:
        """Whether it is an `__init__.py`."""
        return self.path.endswith("__init__.py")

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and absolute dotted name of all it imports, wherever in the file.

        `from a.b import c` gives `a.b.c`, since `c` may be a module.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    yield node.lineno, f"{base}.{alias.name}" if base else alias.name

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.dotted.split(".")
        drop = node.level - 1 if self.is_package else node.level
        kept = parts[: len(parts) - drop]
        return ".".join([*kept, node.module] if node.module else kept)

    @cached_property
    def aliases(self) -> dict[str, str]:
        """What each imported name stands for: `from time import sleep as s` is s: time.sleep."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.split(".")[0]
                    found[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
        return found

    def under(self, *folders: str) -> bool:
        """Whether it lies in one of the folders, or is one of the files named."""
        return any(self.path == f or self.path.startswith(f.rstrip("/") + "/") for f in folders)


@cache
def one(path: str, text: str) -> Source:
    """The file, parsed once however many rules look at it."""
    return Source(path, text)


def load(root: Path = ROOT, *folders: str) -> list[Source]:
    """Every Python file of the folders (all of the project's by default), sorted."""
    found = (
        path
        for folder in folders or PYTHON_FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
        if not UNTRACKED & set(path.relative_to(root).parts)
    )
    return [
        one(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in found
    ]


def tracked(root: Path = ROOT) -> list[Path]:
    """Files that are, or would be, committed. Without git: all but what is plainly built."""
    if shutil.which("git") and (root / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
        )
        if listed.returncode == 0:
            names = sorted(filter(None, listed.stdout.decode().split("\0")))
            return [root / name for name in names if (root / name).is_file()]
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not is_built(path.relative_to(root))
    ]


def is_built(path: Path) -> bool:
    """Whether a path is a cache or a result, by its folders."""
    return any(part in UNTRACKED or part.endswith(("_cache", ".egg-info")) for part in path.parts)


def text_of(path: Path) -> str | None:
    """The file as text, or None when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None

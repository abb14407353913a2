"""Writes requirements/*.txt: every package pinned and hashed, one file for each group.

All groups are resolved together first, so that one version of a package serves them all; each
group is then written on its own, held to those versions. No address of any index is written.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "requirements"
GROUPS = ("test", "lint", "bench", "scaled")
UV = Path(sys.executable).with_name("uv")
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--no-annotate",
    "--no-config",
    "--quiet",
)


def clean_environment() -> dict[str, str]:
    """The environment without anything that names an index of this machine."""
    told = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA", "UV_FIND_LINKS", "PIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


def compile_lock(inputs: list[str], output: Path, *held_to: Path) -> None:
    """Resolve `inputs` into `output`, at the versions of the files in `held_to`."""
    held = [f"--constraint={path}" for path in held_to]
    command = [str(UV), "pip", "compile", *OPTIONS, *held, *inputs, f"--output-file={output}"]
    subprocess.run(command, cwd=ROOT, env=clean_environment(), check=True)  # noqa: S603


def seed_versions(together: Path) -> None:
    """Start from the versions already locked, so that only what must move does."""
    names = ("runtime", *GROUPS)
    lines = [
        line.removesuffix("\\").strip()
        for name in names
        if (TARGET / f"{name}.txt").exists()
        for line in (TARGET / f"{name}.txt").read_text().splitlines()
        if line[:1].isalnum()
    ]
    together.write_text("\n".join(sorted(set(lines))) + "\n")


def write_all(upgrade: bool) -> None:
    """Every file of requirements/."""
    groups = [f"--group={name}" for name in GROUPS]
    with tempfile.TemporaryDirectory() as folder:
        together = Path(folder) / "together.txt"
        if not upgrade:
            seed_versions(together)
        compile_lock(["pyproject.toml", "requirements/tools.in", *groups], together)
        compile_lock(["pyproject.toml"], fresh(TARGET / "runtime.txt"), together)
        compile_lock(["requirements/tools.in"], fresh(TARGET / "tools.txt"), together)
        for name in GROUPS:
            compile_lock([f"--group={name}"], fresh(TARGET / f"{name}.txt"), together)


def fresh(path: Path) -> Path:
    """The path, with nothing there for the resolver to prefer."""
    path.unlink(missing_ok=True)
    return path


def refuse_addresses() -> None:
    """Stop when a written file names any address."""
    for path in sorted(TARGET.glob("*.txt")):
        if "://" in path.read_text():
            sys.exit(f"{path.name} holds an address; it must not be committed")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    write_all(parser.parse_args().upgrade)
    refuse_addresses()
    for path in sorted(TARGET.glob("*.txt")):
        count = sum(line[:1].isalnum() for line in path.read_text().splitlines())
        sys.stdout.write(f"{path.relative_to(ROOT)}: {count} packages\n")


if __name__ == "__main__":
    main()

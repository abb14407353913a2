"""What `hookyard github setup` stored of the App beside its secrets: no secret is in it.

The file is the last thing written, and in one step: where it is, the App's secrets are there too.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from hookyard.settings.files import from_dotenv

APP_FILE = "github-app.env"
SECRETS_FOLDER = "secrets"
NAMES = (
    "GITHUB_APP_ID",
    "GITHUB_APP_SLUG",
    "GITHUB_OAUTH_CLIENT_ID",
    "GITHUB_API_BASE_URL",
)


def from_app_file(data_dir: Path) -> dict[str, str]:
    """The settings of the stored App; nothing without one."""
    found = from_dotenv(data_dir / APP_FILE)
    return {name: found[name] for name in NAMES if found.get(name, "").strip()}


def write_app_file(data_dir: Path, found: Mapping[str, str]) -> None:
    """Store them. OSError when that cannot be done; then nothing is stored."""
    lines = [f"{name}={found[name]}\n" for name in NAMES if found.get(name)]
    text = "# Written by `hookyard github setup`; settings of yours go before it.\n" + "".join(
        lines
    )
    write_private(data_dir / APP_FILE, text.encode())


def write_private(path: Path, content: bytes) -> None:
    """Put a file in its place in one step, mode 0600, on disk when this returns."""
    descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

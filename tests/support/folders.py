"""Folders of servers that tests start, and what killed runs have left of them."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_PREFIX = "hookyard-pytest-"


def server_folder() -> Path:
    """A new folder that names the process it belongs to; whoever asks for it removes it.

    # why: not under pytest's own folder, which other runs on the machine tidy away, and which the
    # unprivileged account of a server may not enter.
    """
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def remove_leftovers() -> None:
    """End servers whose tests were killed, and remove their folders."""
    for folder in _orphans(Path(tempfile.gettempdir())):
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            number = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            # why: the number may be somebody else's by now.
            if str(folder) in " ".join(psutil.Process(number).cmdline()):
                os.kill(number, signal.SIGQUIT)
                psutil.Process(number).wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _orphans(place: Path) -> Iterator[Path]:
    for folder in place.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            yield folder

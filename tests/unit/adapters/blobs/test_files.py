"""Files of the blob folder are closed, also where nobody waits for them any more."""

import asyncio
import io
import threading
from pathlib import Path

import pytest

from hookyard.adapters.blobs.backends import files


async def test_a_file_that_opens_after_its_reader_left_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = io.FileIO
    (tmp_path / "blob").write_bytes(b"text")
    begun, may_open, opened = threading.Event(), threading.Event(), []

    def slowly(path: Path) -> io.FileIO:
        begun.set()
        may_open.wait(30)
        opened.append(real(path))
        return opened[0]

    with monkeypatch.context() as patch:
        patch.setattr(files.io, "FileIO", slowly)
        reading = asyncio.ensure_future(anext(files._read(tmp_path / "blob", 0, 4)))
        await asyncio.to_thread(begun.wait, 30)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        may_open.set()
        while not opened or not opened[0].closed:
            await asyncio.sleep(0)

"""A file that is no database stops the start with one line that names the setting."""

from pathlib import Path

import pytest

from hookyard.bootstrap import open_yard
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import load_settings

ADMIN = "an-admin-key-for-tests"


async def test_a_broken_file_names_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "hookyard.db").write_bytes(b"not a database" * 100)
    environ = {"HOOKYARD_DATA_DIR": str(tmp_path), "HOOKYARD_ADMIN_KEY": ADMIN}
    with pytest.raises(ConfigurationError, match="HOOKYARD_DATA_DIR"):
        await open_yard(load_settings(environ, folder=tmp_path), {})

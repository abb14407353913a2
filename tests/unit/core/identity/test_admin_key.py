"""The admin key file: made once, private, and refused when it is not."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hookyard.core.identity.admin_key import AdminKey, load_or_create_admin_key
from hookyard.core.identity.keys import KeyToken, read_token
from hookyard.kit.errors import ConfigurationError


def test_the_first_start_makes_a_private_file_and_the_next_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "admin-key"
    first = load_or_create_admin_key(path)
    second = load_or_create_admin_key(path)
    assert (first.created, second.created) == (True, False)
    assert first.token == second.token
    assert isinstance(read_token(first.token), KeyToken)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["admin-key"]


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create_admin_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_starts_at_the_same_time_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: load_or_create_admin_key(path), range(32)))
    assert len({key.token for key in keys}) == 1
    assert sum(key.created for key in keys) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_file_others_can_read_stops_the_start(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    load_or_create_admin_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_or_create_admin_key(path)


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40, "ключ-ключ-ключ-ключ".encode()])
def test_a_file_without_a_usable_key_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="no usable key"):
        load_or_create_admin_key(path)


def test_the_key_is_not_in_its_repr() -> None:
    assert "secret" not in repr(AdminKey("hky_admin_secret", created=True))

"""Where large bytes go by the settings, and the key that signs links."""

import stat
import sys
from pathlib import Path

import pytest

from hookyard.adapters.blobs.backends.files import FileBlobs
from hookyard.adapters.blobs.backends.s3 import S3Blobs
from hookyard.bootstrap.storing import KEY_FILE, open_storage
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import Settings, load_settings


def settings(folder: Path, **environ: str) -> Settings:
    return load_settings({"HOOKYARD_DATA_DIR": str(folder / "data"), **environ}, folder=folder)


def test_nothing_set_means_a_folder_and_a_key_for_its_owner(
    tmp_path: Path, clock: ManualClock
) -> None:
    first = open_storage(settings(tmp_path), {}, clock)
    assert isinstance(first.blobs, FileBlobs)
    assert first.blobs.folder == tmp_path / "data" / "blobs"
    key = tmp_path / "data" / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    again = open_storage(settings(tmp_path), {}, clock)
    assert first.links is not None
    assert again.links == first.links
    assert first.links.secret.hex() not in repr(first)


@pytest.mark.parametrize(("text", "mode"), [("not a key\n", 0o600), ("00" * 32, 0o644)])
def test_a_key_that_cannot_be_used_stops_the_start(
    tmp_path: Path, clock: ManualClock, text: str, mode: int
) -> None:
    (tmp_path / "data").mkdir()
    key = tmp_path / "data" / KEY_FILE
    key.write_text(text)
    key.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"blobs\.key"):
        open_storage(settings(tmp_path), {}, clock)


async def test_a_bucket_takes_its_key_from_the_settings_or_from_aws(
    tmp_path: Path, clock: ManualClock
) -> None:
    own = settings(
        tmp_path,
        BLOBSTORE_BUCKET="large-bytes",
        BLOBSTORE_ACCESS_KEY_ID="own-key",
        BLOBSTORE_SECRET_ACCESS_KEY="hush",
        BLOBSTORE_REGION="eu-west-1",
        HOOKYARD_BLOBSTORE_PREFIX="/team/",
    )
    aws = {"AWS_ACCESS_KEY_ID": "aws-key", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "aws-1"}
    opened = open_storage(own, aws, clock)
    assert isinstance(opened.blobs, S3Blobs)
    assert opened.links is None
    url = await opened.blobs.signed_url("a/b", 60, "x.txt")
    assert url.startswith("https://large-bytes.s3.eu-west-1.amazonaws.com/team/a/b?")
    assert "own-key%2F" in url
    assert "hush" not in url
    bare = open_storage(settings(tmp_path, BLOBSTORE_BUCKET="large.bytes"), aws, clock)
    url = await bare.blobs.signed_url("a/b", 60, "x.txt")
    assert url.startswith("https://s3.aws-1.amazonaws.com/large.bytes/a/b?")
    assert "aws-key%2F" in url
    for storage in (opened, bare):
        await storage.blobs.close()


def test_s3_without_its_library_says_what_to_install(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hookyard\[s3\]'"):
        open_storage(settings(tmp_path, BLOBSTORE_BUCKET="large-bytes"), {}, clock)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"BLOBSTORE_ENDPOINT": "https://s3.example"}, "BLOBSTORE_BUCKET is missing"),
        ({"BLOBSTORE_BUCKET": "abc", "BLOBSTORE_ACCESS_KEY_ID": "k"}, "SECRET_ACCESS_KEY is mis"),
        ({"BLOBSTORE_BUCKET": "abc", "BLOBSTORE_SECRET_ACCESS_KEY": "k"}, "ACCESS_KEY_ID is mis"),
        ({"BLOBSTORE_BUCKET": "A_B"}, "must be 3 to 63"),
        ({"BLOBSTORE_BUCKET": "abc", "BLOBSTORE_PREFIX": "../x"}, "must be names"),
    ],
)
def test_settings_that_do_not_fit_stop_the_start(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        settings(tmp_path, **environ)

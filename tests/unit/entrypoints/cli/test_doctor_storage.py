"""What the doctor says of the blob store."""

from pathlib import Path

from hookyard.entrypoints.cli.doctor.model import Finding, Level
from hookyard.entrypoints.cli.doctor.storage import blob_store
from hookyard.kit.clock import SystemClock
from hookyard.settings import load_settings


async def found(folder: Path, **environ: str) -> list[Finding]:
    settings = load_settings({"HOOKYARD_DATA_DIR": str(folder / "data"), **environ}, folder=folder)
    return await blob_store(settings, {}, SystemClock())


async def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    [finding] = await found(tmp_path)
    assert finding.level is Level.OK
    assert not (tmp_path / "data").exists()


async def test_a_folder_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    [finding] = await found(tmp_path)
    assert finding.level is Level.OK
    assert str(tmp_path / "data" / "blobs") in finding.detail
    assert list((tmp_path / "data" / "blobs" / ".drafts").iterdir()) == []


async def test_a_folder_that_is_a_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "blobs").write_text("")
    [finding] = await found(tmp_path)
    assert finding.level is Level.BAD
    assert "HOOKYARD_DATA_DIR" in finding.fix


async def test_a_folder_beside_a_shared_database_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    findings = await found(tmp_path, DATABASE_URL="postgresql://h/d")
    assert [finding.level for finding in findings] == [Level.OK, Level.WARN]
    assert "BLOBSTORE_BUCKET" in findings[1].fix


async def test_a_bucket_that_cannot_be_reached_is_wrong(tmp_path: Path) -> None:
    [finding] = await found(
        tmp_path,
        BLOBSTORE_BUCKET="large-bytes",
        BLOBSTORE_ENDPOINT="http://127.0.0.1:1",
        BLOBSTORE_ACCESS_KEY_ID="k",
        BLOBSTORE_SECRET_ACCESS_KEY="hush-hush",
    )
    assert finding.level is Level.BAD
    assert "cannot be reached" in finding.detail
    assert "hush" not in finding.detail

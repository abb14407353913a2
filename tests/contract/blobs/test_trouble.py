"""Stores that go away, writers that die, streams that do not fit into memory."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import httpx2
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from hookyard.adapters.blobs.backends.files import DRAFTS, FileBlobs
from hookyard.adapters.blobs.backends.memory import MemoryBlobs
from hookyard.adapters.blobs.backends.s3 import PART, S3Blobs, S3Options
from hookyard.adapters.blobs.links import Link, Links
from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.blobs.presign import Presigner, base_of
from hookyard.adapters.blobs.streams import once
from hookyard.kit.clock import ManualClock, SystemClock
from hookyard.kit.errors import NotFound, Unavailable
from tests.house.tree import ROOT
from tests.support.blob_child import KEY, LARGE, MIB
from tests.support.moto import MotoServer

FAR = 2**42


def child(what: str, kind: str, config: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.support.blob_child", what, kind, json.dumps(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


def config_of(options: S3Options) -> dict[str, str]:
    return {
        "bucket": options.bucket,
        "region": options.region,
        "endpoint": options.endpoint or "",
        "prefix": options.prefix,
        "access_key_id": options.access_key_id or "",
        "secret_access_key": options.secret_access_key or "",
    }


async def every_call_says_unavailable(blobs: Blobs) -> None:
    for call in (
        blobs.put(KEY, once(b"x")),
        blobs.put(KEY, once(b"x" * (PART + 1))),
        blobs.list(""),
        blobs.probe(),
        blobs.tidy(FAR),
    ):
        with pytest.raises(Unavailable) as error:
            await call
        assert "Error" not in error.value.detail


async def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path, links: Links) -> None:
    blobs = FileBlobs(tmp_path / "blobs", links)
    (tmp_path / "blobs" / DRAFTS).rmdir()
    (tmp_path / "blobs").rmdir()
    await every_call_says_unavailable(blobs)


async def test_a_store_in_memory_can_be_away(clock: ManualClock, links: Links) -> None:
    blobs = MemoryBlobs(clock, links)
    blobs.is_down = True
    await every_call_says_unavailable(blobs)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"endpoint": "http://127.0.0.1:1"}, "cannot be reached"),
        ({"secret_access_key": "not-the-secret"}, "credentials"),
        ({"access_key_id": "AKIANOBODY"}, "credentials"),
        ({"bucket": "no-such-bucket"}, "no bucket no-such-bucket"),
    ],
)
async def test_a_bucket_that_cannot_be_used_says_why(
    s3_options: S3Options, clock: ManualClock, wrong: dict[str, str], said: str
) -> None:
    blobs = S3Blobs(replace(s3_options, **wrong), clock)  # type: ignore[arg-type]
    await every_call_says_unavailable(blobs)
    with pytest.raises(Unavailable, match=said) as error:
        await blobs.put(KEY, once(b"x"))
    assert s3_options.secret_access_key not in str(error.value)
    with pytest.raises(Unavailable, match=said):
        await blobs.get(KEY)


async def test_a_full_disk_is_unavailable_and_leaves_nothing(
    tmp_path: Path, links: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path / "blobs", links)

    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(Unavailable, match="No space left"):
            await blobs.put(KEY, once(b"x"))
    assert list((tmp_path / "blobs" / DRAFTS).iterdir()) == []
    await blobs.put(KEY, once(b"x"))


async def test_a_blob_that_goes_while_it_is_read_is_not_found(tmp_path: Path, links: Links) -> None:
    blobs = FileBlobs(tmp_path / "blobs", links)
    await blobs.put(KEY, once(b"x"))
    reading = await blobs.get(KEY)
    await blobs.delete(KEY)
    with pytest.raises(NotFound):
        await anext(reading.chunks)


async def test_a_writer_that_is_killed_leaves_nothing_to_be_seen(
    tmp_path: Path, links: Links
) -> None:
    folder = tmp_path / "blobs"
    assert child("die", "files", {"folder": str(folder)}).returncode == -9
    assert len(list((folder / DRAFTS).iterdir())) == 1
    blobs = FileBlobs(folder, links)
    assert (await blobs.list("")).items == ()
    assert await blobs.tidy(1_000) == 0
    assert await blobs.tidy(FAR) == 1
    assert list((folder / DRAFTS).iterdir()) == []


async def test_a_killed_writer_to_s3_leaves_nothing_to_be_seen(
    s3_options: S3Options, clock: ManualClock
) -> None:
    assert child("die", "s3", config_of(s3_options)).returncode == -9
    blobs = S3Blobs(s3_options, clock)
    assert (await blobs.list("")).items == ()
    with pytest.raises(NotFound):
        await blobs.stat(KEY)
    await blobs.put(KEY, once(b"again"))


async def test_what_a_put_to_s3_left_aside_is_tidied(
    s3_options: S3Options, clock: ManualClock
) -> None:
    """As after a crash between the upload in parts and the copy."""
    blobs = S3Blobs(s3_options, clock)
    aside = S3Blobs(replace(s3_options, prefix=f"{s3_options.prefix}/.staging"), clock)
    await aside.put("0" * 32, once(b"left behind"))
    assert (await blobs.list("")).items == ()
    assert await blobs.tidy(1_000) == 0
    assert await blobs.tidy(FAR) == 1
    assert (await aside.list("")).items == ()


@pytest.mark.parametrize("kind", ["files", "s3"])
async def test_a_large_stream_takes_bounded_memory(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = {"folder": str(tmp_path)}
    if kind == "s3":
        config = config_of(request.getfixturevalue("s3_options"))
    done = child("measure", kind, config)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < LARGE * MIB / 6


async def test_links_outlive_neither_time_nor_change(clock: ManualClock) -> None:
    links = Links(b"k" * 32, clock)
    url = links.make("a/b", 60, "report.txt")
    path, _, query = url.partition("?")
    assert path == "/blobs/a/b"
    fields = dict(part.split("=", 1) for part in query.split("&"))
    good = Link("a/b", fields["expires"], "report.txt", fields["signature"])
    assert links.refusal(good) is None
    for wrong in (
        replace(good, key="a/c"),
        replace(good, filename="report.html"),
        replace(good, expires=str(int(good.expires) + 1)),
        replace(good, expires="9" * 12),
        replace(good, signature=""),
        replace(good, signature="zz"),
        replace(good, signature=good.signature[:-2]),
        replace(good, signature="0" * 64),
        replace(good, key="a/b\nx"),
    ):
        assert links.refusal(wrong) == "bad_signature"
    assert Links(b"j" * 32, clock).refusal(good) == "bad_signature"
    clock.advance(59)
    assert links.refusal(good) is None
    clock.advance(1)
    assert links.refusal(good) == "expired"
    with pytest.raises(ValueError, match="seven days"):
        links.make("a/b", 8 * 86_400, "x")


@pytest.mark.parametrize("with_keys", [True, False])
async def test_a_presigned_address_serves_a_file_to_save(
    s3_options: S3Options,
    s3_server: MotoServer,
    monkeypatch: pytest.MonkeyPatch,
    with_keys: bool,
) -> None:
    """Signed by us, or by the library where the keys come from the surroundings.

    # why: moto cannot check signatures in addresses, so what we sign is compared below.
    """
    options = s3_options
    if not with_keys:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_options.access_key_id or "")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_options.secret_access_key or "")
        options = replace(s3_options, access_key_id=None, secret_access_key=None)
    blobs = S3Blobs(options, SystemClock())
    await blobs.put(KEY, once(b"saved"))
    url = await blobs.signed_url(KEY, 60, "re port.txt")
    with s3_server.trusting():
        async with httpx2.AsyncClient() as client:
            saved = await client.get(url)
    assert (saved.status_code, saved.content) == (200, b"saved")
    wanted = 'attachment; filename="re port.txt"' if with_keys else "attachment"
    assert saved.headers["content-disposition"] == wanted
    assert saved.headers["content-type"] == "application/octet-stream"
    await blobs.close()


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_our_signatures_are_those_of_amazons_own_library(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    at = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: at)
    for endpoint in (None, "https://minio.example.org:9000"):
        base = base_of(endpoint, "large-bytes", "eu-west-1", "team")
        ours = Presigner(base, "eu-west-1", "AKIDEXAMPLE", "hush/+=", token, clock)
        url = ours.url("a/b-c_d.e", 300, "re port.txt")
        plain = {
            "response-content-disposition": 'attachment; filename="re port.txt"',
            "response-content-type": "application/octet-stream",
        }
        request = AWSRequest("GET", f"{base}a/b-c_d.e", params=plain)
        keys = Credentials("AKIDEXAMPLE", "hush/+=", token)
        S3SigV4QueryAuth(keys, "s3", "eu-west-1", expires=300).add_auth(request)
        theirs = parse_qs(urlsplit(request.url).query)
        assert parse_qs(urlsplit(url).query) == theirs
        assert urlsplit(url).path == urlsplit(request.url).path

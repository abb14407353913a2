"""Settings → where large bytes lie, and who signs the links to them."""

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hookyard.adapters.blobs.backends.files import FileBlobs
from hookyard.adapters.blobs.backends.s3 import S3Blobs, S3Options
from hookyard.adapters.blobs.links import Links
from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.database.port import Database
from hookyard.core.jobs.artifacts import Artifacts
from hookyard.core.jobs.service import Ledger
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.ids import IdMaker
from hookyard.settings import Settings

KEY_FILE = "blobs.key"
KEY_BYTES = 32
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Storage:
    """The store, and the maker of links to our own front door where the store signs none."""

    blobs: Blobs
    links: Links | None


def open_storage(settings: Settings, environ: Mapping[str, str], clock: Clock) -> Storage:
    """The configured store; nothing is asked of it yet. ConfigurationError names the setting."""
    if settings.blobs.bucket is not None:
        return Storage(S3Blobs(_s3_options(settings, settings.blobs.bucket, environ), clock), None)
    links = Links(_link_key(settings.data_dir), clock, settings.http.public_url or "")
    folder = settings.data_dir / "blobs"
    try:
        return Storage(FileBlobs(folder, links), links)
    except OSError as error:
        raise ConfigurationError(
            f"HOOKYARD_DATA_DIR: cannot make {folder}: {error.strerror}"
        ) from None


def artifacts_of(
    settings: Settings, storage: Storage, database: Database, ledger: Ledger, ids: IdMaker
) -> Artifacts:
    """What keeps the files of jobs."""
    return Artifacts(database, storage.blobs, ledger, ids, settings.blobs.max_artifact)


def _s3_options(settings: Settings, bucket: str, environ: Mapping[str, str]) -> S3Options:
    """Our own settings first, then AWS's; without any key the machine's role is asked for one."""
    given = settings.blobs
    region = given.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if given.access_key_id is not None and given.secret_access_key is not None:
        key_id: str | None = given.access_key_id
        secret: str | None = given.secret_access_key.reveal()
        token = given.session_token.reveal() if given.session_token else None
    else:
        key_id = environ.get("AWS_ACCESS_KEY_ID")
        secret = environ.get("AWS_SECRET_ACCESS_KEY")
        token = environ.get("AWS_SESSION_TOKEN")
    return S3Options(
        bucket=bucket,
        region=region or REGION,
        endpoint=given.endpoint,
        prefix=given.prefix,
        access_key_id=key_id,
        secret_access_key=secret,
        session_token=token,
    )


def _link_key(data_dir: Path) -> bytes:
    """The key that signs links, made at the first start, for its owner's eyes only.

    Of several processes that start at once, all get the same one.
    """
    path = data_dir / KEY_FILE
    with contextlib.suppress(FileNotFoundError):
        return _read_key(path)
    draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"HOOKYARD_DATA_DIR: cannot write {path}: {error.strerror}"
        ) from None
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    with path.open(encoding="ascii", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(4096).strip()
    if mode & 0o077:
        raise ConfigurationError(
            f"the key file {path} can be read by others (mode {mode:04o}); run: chmod 600 {path}"
        )
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} holds no key; delete it to have a new one made")
    return key

"""Opening a broker: the right one, lazily, with an error that says what to do."""

import asyncio
import sys

import pytest

from hookyard.bootstrap.pointers import _end, open_broker
from hookyard.entrypoints.cli.doctor.broker import broker as examine
from hookyard.entrypoints.cli.doctor.model import Level
from hookyard.kit.clock import ManualClock, SystemClock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import load_settings
from tests.support.brokers import free_port

URLS = ",".join(f"{lane}=https://q/{lane}" for lane in ("critical", "high", "default", "bulk"))


async def opened(tmp_path: object, **environ: str) -> str | None:
    """The name of the broker these settings open."""
    settings = load_settings(environ, folder=tmp_path)  # type: ignore[arg-type]
    broker = open_broker(settings, environ, ManualClock(), "one")
    if broker is None:
        return None
    await broker.close()
    return broker.name


async def test_each_backend_opens_its_own(tmp_path: object) -> None:
    assert await opened(tmp_path) is None
    assert await opened(tmp_path, QUEUE_BACKEND="database") is None
    assert await opened(tmp_path, QUEUE_BACKEND="redis", REDIS_URL="redis://h/0") == "redis"
    assert await opened(tmp_path, QUEUE_BACKEND="sqs", AWS_REGION="eu-west-1") == "sqs"
    urls = {"HOOKYARD_SQS_QUEUE_URLS": URLS, "HOOKYARD_SQS_QUEUE_TYPE": "fifo"}
    assert await opened(tmp_path, QUEUE_BACKEND="sqs", **urls) == "sqs"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"QUEUE_BACKEND": "redis"}, "REDIS_URL is missing"),
        ({"QUEUE_BACKEND": "rabbit"}, "QUEUE_BACKEND: must be one of database, redis, sqs"),
        ({"REDIS_URL": "http://h"}, "REDIS_URL: must start with redis://"),
        ({"HOOKYARD_SQS_QUEUE_URLS": "high=https://q"}, "must be lane=url for each of critical"),
        ({"HOOKYARD_SQS_QUEUE_PREFIX": "a b"}, "must be 1 to 60 letters"),
    ],
)
async def test_a_wrong_setting_is_named(
    tmp_path: object, environ: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        await opened(tmp_path, **environ)


@pytest.mark.parametrize(("backend", "package"), [("redis", "redis"), ("sqs", "aiobotocore")])
async def test_a_missing_package_names_the_extra(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, backend: str, package: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, f"hookyard.adapters.queues.backends.{backend}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'hookyard\[{backend}\]'"):
        await opened(tmp_path, QUEUE_BACKEND=backend, REDIS_URL="redis://h/0")


async def test_the_doctor_says_what_cannot_be_reached(tmp_path: object) -> None:
    given = {"QUEUE_BACKEND": "redis", "REDIS_URL": f"redis://u:hush@127.0.0.1:{free_port()}/0"}
    settings = load_settings(given, folder=tmp_path)  # type: ignore[arg-type]
    [finding] = await examine(settings, given, SystemClock())
    assert finding.level is Level.BAD
    assert "REDIS_URL" in finding.fix
    assert "hush" not in finding.detail
    plain = load_settings({}, folder=tmp_path)  # type: ignore[arg-type]
    assert await examine(plain, {}, SystemClock()) == []


async def test_a_reader_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    part = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await _end(part)
    assert swallowed == 1
    assert part.cancelled()

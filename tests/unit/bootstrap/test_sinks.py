"""Opening the sinks of changes: what is missing or cannot be read is told at the start."""

import sys
from pathlib import Path

import pytest

from hookyard.bootstrap.feeding import open_sinks
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import load_settings

KAFKA = {"HOOKYARD_CHANGE_SINKS": "bus=kafka:changes", "HOOKYARD_KAFKA_BROKERS": "127.0.0.1:9"}
TLS = {"HOOKYARD_KAFKA_SECURITY_PROTOCOL": "ssl"}


async def opened(folder: Path, **environ: str) -> list[str]:
    """The names of the sinks that these settings open."""
    found = open_sinks(load_settings(environ, folder=folder), environ, ManualClock())
    for sink in found.values():
        await sink.close()
    return list(found)


async def test_each_kind_opens_its_own(tmp_path: Path) -> None:
    assert await opened(tmp_path) == []
    sinks = "a=redis:s,b=sqs:https://sqs.example/1/q,c=kafka:t,d=kafka:u"
    environ = KAFKA | {"HOOKYARD_CHANGE_SINKS": sinks, "REDIS_URL": "redis://h/0"}
    assert await opened(tmp_path, **environ) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"HOOKYARD_KAFKA_BROKERS": ""}, "HOOKYARD_KAFKA_BROKERS is missing"),
        (TLS | {"HOOKYARD_KAFKA_CA_FILE": "nowhere"}, "HOOKYARD_KAFKA_CA_FILE: cannot read"),
        (TLS | {"HOOKYARD_KAFKA_CA_FILE": "ca.pem"}, "check HOOKYARD_KAFKA_CA_FILE"),
        (
            TLS | {"HOOKYARD_KAFKA_CERTIFICATE_FILE": "ca.pem",
                   "HOOKYARD_KAFKA_PRIVATE_KEY": "planted-key"},
            "check HOOKYARD_KAFKA_CA_FILE",
        ),
    ],
)  # fmt: skip
async def test_what_kafka_cannot_be_reached_with_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("no certificate at all")
    with pytest.raises(ConfigurationError, match=words) as refused:
        await opened(tmp_path, **(KAFKA | environ))
    assert "planted" not in str(refused.value)


async def test_a_missing_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] == "confluent_kafka" or ".backends.kafka_" in name:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'hookyard\[kafka\]'"):
        await opened(tmp_path, **KAFKA)

"""Redaction, log files and breakers."""

import json
from pathlib import Path

import pytest

from hookyard.core.jobs import log
from hookyard.core.jobs.breakers import PROBE_WAIT_MS, Breakers
from hookyard.core.jobs.log import JobLogFiles
from hookyard.core.jobs.model import JobId, JobKind, WaitingFor
from hookyard.core.jobs.redact import MAX_BYTES, code_of, describe, redact
from hookyard.kit.breaker import Breaker
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Unavailable
from hookyard.kit.ids import IdMaker

SECRETS = [
    "ghs_" + "a1B2" * 9,
    "ghs_12345_" + "eyJhbGciOi.J9" * 3,
    "github_pat_" + "x" * 30,
    "xoxb-" + "1234567890-abcdef",
    "hky_" + "k" * 24,
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl",
    "AKIA" + "ABCDEFGHIJKL2345",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_credentials_are_cut_out_wherever_they_stand(secret: str) -> None:
    for text in (secret, f"POST failed with {secret}: 401", f"https://x/?t={secret}&b=1"):
        assert secret not in redact(text)
        assert "[redacted]" in redact(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://bot:hunter22@example.org/x", "https://[redacted]@example.org/x"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [redacted]"),
        ("dsn password=pa55word host=db", "dsn password=[redacted] host=db"),
    ],
)
def test_credentials_by_their_place(text: str, kept: str) -> None:
    assert redact(text) == kept


def test_a_private_key_is_cut_out_whole() -> None:
    begin, end = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
    assert redact(f"bad key {begin}\nMIIE\n{end} there") == "bad key [redacted] there"
    assert redact(f"cut off {begin}\nMIIE") == "cut off [redacted]"


def test_plain_text_stays_as_it_is() -> None:
    text = "404 for /repos/o/r/issues/7: Not Found (request 1A2B:3C)"
    assert redact(text) == text


def test_errors_are_described_briefly() -> None:
    assert describe(ValueError("x" * 5000)).startswith("ValueError: xxx")
    assert len(describe(ValueError("é" * 5000)).encode()) <= MAX_BYTES
    assert describe(KeyError()) == "KeyError"
    assert describe(Unavailable("no answer")) == "Unavailable: no answer"
    assert (code_of(Unavailable()), code_of(OSError())) == ("unavailable", "error")


def test_log_files_are_appended_in_order_and_removed(tmp_path: Path, ids: IdMaker) -> None:
    files = JobLogFiles(tmp_path / "logs")
    one, two = JobId(ids.new(1)), JobId(ids.new(2))
    files.append([(one, {"n": 1}), (two, {"n": 2})])
    files.append([(one, {"n": 3})])
    files.close()
    lines = (tmp_path / "logs" / f"{one}.jsonl").read_text().splitlines()
    assert [json.loads(line)["n"] for line in lines] == [1, 3]
    again = JobLogFiles(tmp_path / "logs")
    again.remove([one])
    again.close()
    assert [path.name for path in (tmp_path / "logs").iterdir()] == [f"{two}.jsonl"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "a/b", "x" * 300, "nul\x00"])
def test_no_name_leaves_the_log_folder(tmp_path: Path, name: str) -> None:
    files = JobLogFiles(tmp_path)
    files.append([(name, {"n": 1})])
    files.close()
    (only,) = tmp_path.iterdir()
    assert only == files.path(name)
    assert log.JobLogFiles.path(files, name).parent == tmp_path


def test_a_folder_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, ids: IdMaker
) -> None:
    files = JobLogFiles(tmp_path / "logs")
    job_id = ids.new(1)
    files.path(job_id).mkdir()
    files.append([(job_id, {"n": 1})])
    files.close()
    assert "not written" in caplog.text


KIND = JobKind("work", needs=("github",))


def breakers(clock: ManualClock) -> Breakers:
    return Breakers(clock, lambda name: Breaker(name, threshold=2, cooldown_ms=10_000))


def test_an_open_breaker_holds_its_kinds_until_it_may_probe(clock: ManualClock) -> None:
    kept = breakers(clock)
    kept.failed(KIND)
    assert kept.gate()(KIND) is None
    kept.failed(KIND)
    until_ms = clock.now_ms() + 10_000
    assert kept.gate()(KIND) == WaitingFor("breaker", "github", until_ms)
    assert kept.gate()(JobKind("other")) is None
    clock.advance(10)
    gate = kept.gate()
    assert gate(KIND) is None
    assert gate(KIND) == WaitingFor("breaker", "github", clock.now_ms() + PROBE_WAIT_MS)


def test_only_a_started_probe_counts_and_its_end_decides(clock: ManualClock) -> None:
    kept = breakers(clock)
    kept.failed(KIND)
    kept.failed(KIND)
    clock.advance(10)
    assert kept.gate()(KIND) is None
    assert kept.gate()(KIND) is None
    kept.started(KIND)
    assert kept.gate()(KIND) is not None
    kept.abandoned(KIND)
    assert kept.gate()(KIND) is None
    kept.started(KIND)
    kept.failed(KIND)
    assert kept.get("github").state(clock.now_ms()) == "open"
    clock.advance(10)
    kept.started(KIND)
    kept.answered(KIND)
    assert kept.all()["github"].state(clock.now_ms()) == "closed"

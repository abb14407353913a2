"""No secret gets through the redactor, in any place a log line can carry it."""

import json

import pytest
import structlog

from hookyard.adapters.telemetry.logs import configure
from hookyard.adapters.telemetry.redact import Redactor

SECRETS = [
    "ghs_" + "a1B2" * 9,
    "ghs_123456_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjMifQ.c2lnbmF0dXJl-_x" + "y" * 400,
    "ghp_" + "x" * 36,
    "github_pat_" + "A" * 60,
    "xoxb-123456789012-abcdefABCDEF",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "hky_k1abc_s3cretvalue0123_c0ffee",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_by_its_shape(secret: str) -> None:
    cleaned = Redactor().text(f"before {secret} after")
    assert secret not in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


def test_given_values_are_masked_wherever_they_stand() -> None:
    redactor = Redactor(["correct horse", "correct horse battery"])
    assert redactor.text("x correct horse battery y") == "x *** y"


def test_a_password_in_a_url_is_masked() -> None:
    assert "hunter22" not in Redactor().text("postgresql://app:hunter22@db/x")


def test_keys_that_name_a_secret_lose_their_value() -> None:
    cleaned = Redactor().value({"headers": {"Authorization": "abc"}, "list": [{"token": "q"}]})
    assert cleaned == {"headers": {"Authorization": "***"}, "list": [{"token": "***"}]}


def test_ordinary_words_stay() -> None:
    text = "delivery 01jd routed to acme/web#12 by token holder"
    assert Redactor().text(text) == text


def test_log_lines_are_json_and_clean(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "json", Redactor(["s3cr3t-value"]))
    try:
        structlog.get_logger("t").info(
            "hello", detail="it was s3cr3t-value", nested={"secret": "x"}
        )
    finally:
        structlog.reset_defaults()
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "hello"
    assert line["detail"] == "it was ***"
    assert line["nested"] == {"secret": "***"}

"""A secret shows itself only when asked by name."""

import json
import logging
import pickle
import traceback

import pytest

from hookyard.kit.secret import Secret

WORD = "correct-horse-battery"


def test_it_hides_in_every_usual_way_of_showing() -> None:
    secret = Secret(WORD)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        "%s %r" % (secret, secret),  # noqa: UP031
        repr({"key": [secret]}),
        repr((secret,)),
    ]
    assert not any(WORD in text for text in shown)
    assert secret.reveal() == WORD


def test_it_hides_in_logs_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(WORD)
    logging.getLogger("any").warning("key is %s", secret)
    assert WORD not in caplog.text
    try:
        raise ValueError(secret)
    except ValueError:
        assert WORD not in traceback.format_exc()


def test_it_does_not_turn_into_json() -> None:
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(WORD)})


def test_it_compares_by_value() -> None:
    assert Secret(WORD) == Secret(WORD) != Secret("other")
    assert len({Secret(WORD), Secret(WORD)}) == 1
    assert Secret(WORD) != WORD
    assert not Secret("")
    assert Secret("x")


def test_it_has_no_dict_to_look_into() -> None:
    assert not hasattr(Secret(WORD), "__dict__")
    assert pickle.loads(pickle.dumps(Secret(WORD))) == Secret(WORD)  # noqa: S301

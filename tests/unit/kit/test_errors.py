"""The tree of errors: every class has its own words for the wire."""

from collections.abc import Iterator

import pytest

from hookyard.kit import errors
from hookyard.kit.errors import HookyardError


def tree(top: type[HookyardError] = HookyardError) -> Iterator[type[HookyardError]]:
    yield top
    for child in top.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_a_status_and_its_docstring_as_words(
    kind: type[HookyardError],
) -> None:
    plain = kind()
    assert plain.detail == (kind.__doc__ or "").strip()
    assert plain.detail.endswith(".")
    assert plain.problem_code == kind.code
    assert kind.code.replace("_", "").isalpha()
    assert 400 <= kind.status <= 599
    assert str(kind("in other words")) == "in other words"


def test_codes_are_told_apart() -> None:
    codes = [kind.code for kind in tree()]
    assert len(codes) == len(set(codes))


def test_a_code_can_be_narrower_than_its_class() -> None:
    error = errors.Conflict("still running", code="not_finished")
    assert (error.problem_code, error.status, errors.Conflict.code) == (
        "not_finished",
        409,
        "conflict",
    )


@pytest.mark.parametrize("kind", [errors.Limited, errors.Unavailable])
def test_what_passes_says_when(kind: type[errors.Limited | errors.Unavailable]) -> None:
    assert kind().retry_after_s == 1
    assert kind("later", retry_after_s=30).retry_after_s == 30


def test_only_our_own_failures_are_server_errors() -> None:
    assert {kind.__name__ for kind in tree() if kind.status >= 500} == {
        "HookyardError",
        "Unavailable",
    }
    assert not issubclass(errors.ConfigurationError, HookyardError)

"""A hub whose every answer is judged by GitHub's OpenAPI document."""

from collections.abc import AsyncIterator

import pytest

from tests.support.openapi import Judge, Watch, judge, require_npm
from tests.support.sandbox import Hub, make_hub


@pytest.fixture
def github_judge() -> Judge:
    require_npm()
    return judge()


@pytest.fixture
def watch(github_judge: Judge) -> Watch:
    """What GitHub's document says about this test's calls."""
    return Watch(github_judge)


@pytest.fixture
async def hub(watch: Watch) -> AsyncIterator[Hub]:
    made = make_hub()
    made.client.event_hooks["response"].append(watch.hear)
    yield made
    await made.client.aclose()
    assert not watch.complaints, "\n".join(watch.complaints)

"""A fresh simulated GitHub for each test.

Where GitHub's OpenAPI document is installed, every answer and every body that was accepted is
judged by it on the way; the contract suite does so in any case.
"""

from collections.abc import AsyncIterator

import pytest

from tests.support.openapi import DOCUMENT, Watch, judge
from tests.support.sandbox import Hub, make_hub


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    made = make_hub()
    watch = Watch(judge()) if DOCUMENT.exists() else None
    if watch is not None:
        made.client.event_hooks["response"].append(watch.hear)
    yield made
    await made.client.aclose()
    if watch is not None:
        assert not watch.complaints, "\n".join(watch.complaints)

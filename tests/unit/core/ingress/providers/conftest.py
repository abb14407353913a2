"""Requests as the front door hands them to a provider."""

from collections.abc import Callable

import pytest

from hookyard.core.ingress.model import InboundRequest, SourceConfig
from hookyard_sandbox.senders import SignedRequest

NOW_MS = 1_700_000_000_000


@pytest.fixture
def now_ms() -> int:
    return NOW_MS


@pytest.fixture
def inbound() -> Callable[..., InboundRequest]:
    """A signed request as received; keyword arguments replace or (None) drop headers."""

    def build(
        sent: SignedRequest, body: bytes | None = None, **changes: str | None
    ) -> InboundRequest:
        headers = {name.encode(): value.encode("latin-1") for name, value in sent.headers.items()}
        for key, value in changes.items():
            name = key.replace("_", "-").encode()
            if value is None:
                headers.pop(name, None)
            else:
                headers[name] = value.encode("latin-1")
        query = sent.path.partition("?")[2].encode()
        return InboundRequest("POST", headers, sent.body if body is None else body, query)

    return build


@pytest.fixture
def source() -> Callable[..., SourceConfig]:
    """A source of a provider with these secrets."""

    def build(
        provider: str, *secrets: bytes, repository: str | None = None, **options: str
    ) -> SourceConfig:
        return SourceConfig(provider, provider, secrets, options, repository=repository)

    return build

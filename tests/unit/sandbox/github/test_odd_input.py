"""Nothing a client sends makes the simulated GitHub fail by itself."""

import asyncio
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookyard.kit.json import Json
from hookyard_sandbox.github.app import ENDPOINTS
from hookyard_sandbox.github.http import Endpoint
from tests.support.sandbox import Hub, make_hub

FIELDS = [
    "annotations",
    "assignees",
    "base",
    "body",
    "conclusion",
    "content",
    "draft",
    "external_id",
    "head",
    "head_sha",
    "labels",
    "message",
    "name",
    "output",
    "path",
    "permissions",
    "ref",
    "repositories",
    "repository_ids",
    "sha",
    "state",
    "status",
    "summary",
    "title",
    "url",
]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
) | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8)
PARTS = st.sampled_from(["1", "0", "main", "bug", "octocat", "x" * 300, "ü", "..", "%00", "²"])
QUERIES = st.dictionaries(
    st.sampled_from(["page", "per_page", "ref", "since", "state", "filter", "cursor", "app_id"]),
    st.text(max_size=6),
    max_size=3,
)


def path_of(hub: Hub, endpoint: Endpoint, part: str) -> str:
    """A path of the endpoint with the odd part wherever it is not about where to look."""
    known = {"owner": "acme", "repo": "shop", "installation_id": str(hub.installation.id)}
    pieces = []
    for piece in endpoint.path.split("/"):
        name = piece.strip("{}").partition(":")[0]
        pieces.append(quote(known.get(name, part), safe="") if piece.startswith("{") else piece)
    return "/".join(pieces)


@given(st.sampled_from(ENDPOINTS), BODIES, PARTS, QUERIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_odd_requests_are_answered(
    endpoint: Endpoint, body: Json, part: str, query: dict[str, str]
) -> None:
    async def ask() -> int:
        hub = make_hub()
        path = path_of(hub, endpoint, part)
        path += "?" + "&".join(f"{k}={quote(v)}" for k, v in query.items())
        token = hub.assertion() if endpoint.auth == "app" else hub.token
        sent = None if endpoint.method == "GET" else body
        answer = await hub.call(endpoint.method, path, sent, token=token)
        await hub.client.aclose()
        return answer.status_code

    assert asyncio.run(ask()) < 500

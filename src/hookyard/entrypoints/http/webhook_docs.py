"""How the document shows the webhook routes, which are plain ASGI."""

from collections.abc import Iterable
from typing import Any

from hookyard.entrypoints.http.problems import MEDIA_TYPE

_REFUSED = {
    "400": "Malformed: a header sent twice, an event that is no event, a body of the wrong shape.",
    "401": "The signature is missing, wrong or stale.",
    "404": "No such provider, or no source is configured at this address.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "415": "The content type, or the content encoding, is not one this provider sends.",
    "503": "It could not be stored; send it again after `Retry-After`.",
}
_RECEIPT = {
    "type": "object",
    "required": ["delivery_id", "status"],
    "properties": {
        "delivery_id": {"type": "string"},
        "status": {"enum": ["accepted", "duplicate"]},
        "reason": {"type": "string"},
    },
}


def webhook_paths(providers: Iterable[str]) -> dict[str, Any]:
    """`/webhooks/{provider}` and `/webhooks/{provider}/{source}`."""
    provider = _parameter("provider", {"type": "string", "enum": sorted(providers)})
    source = _parameter("source", {"type": "string"})
    return {
        "/webhooks/{provider}": {"post": _receive("receive_delivery", [provider])},
        "/webhooks/{provider}/{source}": {
            "post": _receive("receive_delivery_of_source", [provider, source])
        },
    }


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _receive(name: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    receipt = {"application/json": {"schema": _RECEIPT}}
    responses: dict[str, Any] = {
        "200": {
            "description": "Seen before, or answered as the provider expects.",
            "content": {"application/json": {"schema": {}}, "text/plain": {"schema": {}}},
        },
        "202": {"description": "On disk; the work begins.", "content": receipt},
    }
    for status, about in _REFUSED.items():
        responses[status] = {"description": about, "content": {MEDIA_TYPE: problem}}
    return {
        "operationId": name,
        "summary": "Take in a delivery",
        "description": "Signed as the provider signs; answered once the delivery is on disk.",
        "tags": ["webhooks"],
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {}},
                "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
            },
        },
        "responses": responses,
        "security": [],
    }

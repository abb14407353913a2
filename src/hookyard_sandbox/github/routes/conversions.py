"""The code of a registration from a manifest, exchanged for the App and its secrets."""

from hookyard_sandbox.github.http import Answer, Call, Endpoint, not_found
from hookyard_sandbox.github.shapes import accounts


def convert(call: Call) -> Answer:
    """`POST /app-manifests/{code}/conversions`: once, within an hour; nobody signs in for it."""
    found = call.world.registrations.pop(call.params["code"], None)
    if found is None or found.expires_at_ms <= call.world.now_ms():
        raise not_found()
    shape = {
        **accounts.app(call.api, found.app),
        "client_secret": found.app.client_secret,
        "webhook_secret": found.webhook_secret,
        "pem": found.private_key,
    }
    call.world.record("app", "registered", id=found.app.id)
    return Answer(201, shape)


ENDPOINTS = (Endpoint("POST", "/app-manifests/{code}/conversions", convert, "any"),)

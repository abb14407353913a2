"""What GitHub says about itself: rate limits and addresses."""

from hookyard.kit.json import Json
from hookyard_sandbox.github.http import Answer, Call, Endpoint


def rate_limit(call: Call) -> Answer:
    """`GET /rate_limit`: costs nothing."""
    core: dict[str, Json] = dict(call.rate)
    search: Json = {"limit": 30, "remaining": 30, "reset": call.rate["reset"], "used": 0}
    return Answer(200, {"resources": {"core": core, "search": search}, "rate": core})


def meta(_: Call) -> Answer:
    """`GET /meta`"""
    loopback: list[Json] = ["127.0.0.1/32"]
    return Answer(
        200,
        {
            "verifiable_password_authentication": False,
            "hooks": loopback,
            "web": loopback,
            "api": loopback,
            "git": loopback,
        },
    )


ENDPOINTS = (
    Endpoint("GET", "/rate_limit", rate_limit, "any"),
    Endpoint("GET", "/meta", meta, "any"),
)

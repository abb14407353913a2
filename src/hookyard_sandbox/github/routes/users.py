"""The person behind a token, and the end of such a token."""

import msgspec

from hookyard_sandbox.github.http import Answer, Call, Endpoint, Refusal, not_permitted
from hookyard_sandbox.github.shapes import accounts


class TokenGiven(msgspec.Struct):
    """Body of a request about a person's token."""

    access_token: str


def get_user(call: Call) -> Answer:
    """`GET /user`"""
    if call.person is None:
        raise not_permitted()
    return Answer(200, accounts.public_user(call.api, call.person))


def delete_token(call: Call) -> Answer:
    """`DELETE /applications/{client_id}/token`"""
    if call.params["client_id"] != call.caller.client_id:
        raise Refusal(404, "Not Found")
    token = call.world.user_tokens.get(call.read(TokenGiven).access_token)
    if token is None or token.app is not call.caller or token.revoked:
        raise Refusal(404, "Not Found")
    token.revoked = True
    call.world.record("user_token", "deleted", user=token.user.login)
    return Answer(204)


ENDPOINTS = (
    Endpoint("GET", "/user", get_user, "user"),
    Endpoint("DELETE", "/applications/{client_id}/token", delete_token, "basic"),
)

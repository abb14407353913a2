"""The three ways a Jira webhook proves itself; the source's option `mode` names the one.

`secret` (the default): Jira Cloud's webhook secret, `X-Hub-Signature: sha256=<hex>`.
`oauth`: a dynamic webhook of an OAuth 2.0 app, `Authorization: Bearer <HS256 JWT>`.
`url`: Data Center versions that sign nothing, a token in the query of the webhook's URL.
The source decides; what a request carries never moves it to a weaker way.
"""

import contextlib
from collections.abc import Sequence
from urllib.parse import parse_qsl

from hookyard.adapters.oidc.keys import BadKey, pin_secret
from hookyard.adapters.oidc.port import Expectations, Keys, PinnedKey, Refused
from hookyard.adapters.oidc.verify import verify as verify_token
from hookyard.core.ingress.model import InboundRequest, Refusal, SourceConfig
from hookyard.core.ingress.providers import scheme
from hookyard.core.ingress.providers.scheme import Scheme
from hookyard.kit.signing import same

MODES = ("secret", "oauth", "url")

# spec: WebSub 7.1: `method=signature`. why: a prefix of its own is the whole allow-list, so
# sha1 and every other method is refused.
SECRET_SCHEME = Scheme(header=b"x-hub-signature", prefix=b"sha256=")
_AUTHORIZATION = b"authorization"
_BEARER = b"bearer "
_MAX_TOKEN = 8192
_MAX_QUERY = 4096
_LEEWAY_S = 60
_STALE = frozenset({"expired", "not_yet", "future", "no_expiry"})


def has_proof(request: InboundRequest) -> bool:
    """Whether anything is there that could authenticate the request, in any mode."""
    return bool(
        request.headers.get(SECRET_SCHEME.header)
        or request.headers.get(_AUTHORIZATION)
        or b"token=" in request.query
    )


def verify(request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
    """Check the request in the source's mode; an unknown mode refuses everything."""
    mode = source.options.get("mode", "secret")
    if mode == "secret":
        keys = SECRET_SCHEME.keys(source.secrets)
        return scheme.verify(SECRET_SCHEME, request, keys, now_ms)
    if mode == "oauth":
        return _verify_jwt(request, source, now_ms)
    if mode == "url":
        return _verify_token(request, source)
    modes = ", ".join(MODES)
    return Refusal(401, "bad_signature", f"This source's option mode must be one of {modes}.")


def _verify_jwt(request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
    """Any secret may have signed the token; it must not have expired.

    # why: the token does not cover the body; TLS and its short life are what protect that.
    """
    value = request.headers.get(_AUTHORIZATION, b"")
    if not value:
        return scheme.missing(_AUTHORIZATION)
    token = value[len(_BEARER) :].strip()
    if value[: len(_BEARER)].lower() != _BEARER or not 0 < len(token) <= _MAX_TOKEN:
        return scheme.mismatch(_AUTHORIZATION)
    expected = Expectations(
        source.options.get("issuer"),
        tuple(source.options[name] for name in ("audience",) if name in source.options),
        max_lifetime_s=None,
        skew_s=_LEEWAY_S,
        any_audience=True,
    )
    found = verify_token(token.decode("latin-1"), expected, _keys(source.secrets), now_ms)
    return _refusal(found) if isinstance(found, Refused) else None


def _keys(secrets: Sequence[bytes]) -> Keys:
    """Every secret that can be one.

    # why: Jira makes the secret; how long it is cannot be asked of whoever configures it.
    """
    found: list[PinnedKey] = []
    for secret in secrets:
        with contextlib.suppress(BadKey):
            found.append(pin_secret(secret, least=1))
    return tuple(found)


def _refusal(found: Refused) -> Refusal:
    if found.code in _STALE:
        return Refusal(
            401,
            "stale_timestamp",
            "The token has expired, is not valid yet or has no exp; check both clocks.",
        )
    claim = {"issuer": "iss", "audience": "aud"}.get(found.code)
    if claim is None:
        return scheme.mismatch(_AUTHORIZATION)
    return Refusal(
        401,
        "bad_signature",
        f"The token's {claim} is not this source's option {found.code}.",
    )


def _verify_token(request: InboundRequest, source: SourceConfig) -> Refusal | None:
    token = b""
    if len(request.query) <= _MAX_QUERY:
        try:
            fields = parse_qsl(request.query.decode("ascii"), errors="strict", max_num_fields=16)
        except ValueError:
            fields = []
        token = next((value for key, value in fields if key == "token"), "").encode("utf-8")
    if not token:
        return Refusal(
            401, "missing_signature", "Add ?token=<this source's secret> to the webhook's URL."
        )
    hits = [same(secret, token) for secret in source.secrets if secret]
    if any(hits):
        return None
    return Refusal(401, "bad_signature", "The token in the URL is none of this source's secrets.")

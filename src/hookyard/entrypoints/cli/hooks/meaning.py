"""What a signed request means, found by the same pure code a server runs, without a server."""

import json
from collections.abc import Mapping

from hookyard.core.ingress.model import (
    Event,
    Identity,
    InboundRequest,
    Refusal,
    SourceConfig,
    Unparsable,
)
from hookyard.entrypoints.cli.hooks.samples import Moment, Sample, signed
from hookyard.kit.json import Json, JsonObject
from hookyard.registry import PROVIDERS_BY_NAME
from hookyard_sandbox.senders import SignedRequest

# why: made up, and used only to sign and to verify in one process.
PLAIN_SECRET = "samples are signed when they are sent"  # noqa: S105
MARKED_SECRET = "whsec_c2FtcGxlcyBhcmUgc2lnbmVkIHdoZW4gc2VudA=="  # noqa: S105


def source_of(sample: Sample) -> SourceConfig:
    """A source that can verify a sample offline: its secret, and the sender's mode."""
    marked = sample.provider == "standard" or sample.options.get("mode") == "signing"
    secret = MARKED_SECRET if marked else PLAIN_SECRET
    mode = {name: text for name, text in sample.options.items() if name == "mode"}
    return SourceConfig(sample.provider, sample.provider, (secret.encode(),), mode)


def sample_meaning(
    sample: Sample, moment: Moment, changes: Mapping[str, Json] | None = None
) -> JsonObject:
    """What a sample means, signed and verified here."""
    source = source_of(sample)
    request = signed(sample, source.secrets[0], moment, changes=changes)
    return meaning_of(request, source, moment.now_ms)


def inbound(request: SignedRequest) -> InboundRequest:
    """The request as the front door hands it on."""
    headers = {name.lower().encode(): value.encode("latin-1") for name, value in
               request.headers.items()}  # fmt: skip
    return InboundRequest("POST", headers, request.body, request.path.partition("?")[2].encode())


def identity_of(request: SignedRequest, provider: str) -> Identity | Refusal:
    """How the delivery is named."""
    return PROVIDERS_BY_NAME[provider].identify(inbound(request))


def meaning_of(request: SignedRequest, source: SourceConfig, now_ms: int) -> JsonObject:
    """Verify, name, parse, look for commands: the facts as `expected.json` has them.

    `refused` alone when the request is refused, `answer` alone when it is answered and not
    stored, `unparsable` with the reason when it verifies and cannot be understood.
    """
    provider = PROVIDERS_BY_NAME[source.provider]
    came = inbound(request)
    refusal = provider.check(came) or provider.verify(came, source, now_ms)
    if refusal is not None:
        return {"refused": refusal.code, "http": refusal.status}
    answer = provider.answer(came, source)
    if answer is not None and not answer.store:
        return {"answer": _decoded(answer.body), "http": answer.status}
    identity = provider.identify(came)
    if isinstance(identity, Refusal):
        return {"refused": identity.code, "http": identity.status}
    kept = {
        name.decode(): came.header(name) for name in provider.kept_headers() if name in came.headers
    }
    event = provider.parse(identity.event, came.header(b"content-type"), came.body, kept)
    http = 202 if answer is None else answer.status
    if isinstance(event, Unparsable):
        return {"http": http, "unparsable": event.code}
    return {"http": http, **_facts(event), "commands": _commands(event, source)}


def _facts(event: Event) -> JsonObject:
    return {
        "event": event.name,
        "action": event.action,
        "repository": event.repository,
        "subject": event.subject,
        "actor": event.actor,
    }


def _commands(event: Event, source: SourceConfig) -> list[JsonObject]:
    found = PROVIDERS_BY_NAME[source.provider].commands(event, source)
    return [
        {
            "kind": command.kind.value,
            "name": command.name,
            "text": command.text,
            "actor": command.actor,
            "repository": command.repository,
            "number": command.number,
        }
        for command in found
    ]


def _decoded(body: bytes) -> Json:
    try:
        found: Json = json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    return found

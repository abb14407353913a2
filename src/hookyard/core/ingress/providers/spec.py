"""Providers as data: a Spec says where everything is, one SpecProvider reads it.

Enough for every provider that signs with HMAC-SHA256 or sends a token, and names its events
and ids in a header or at a fixed path of the JSON body.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hookyard.core.ingress.model import (
    Answer,
    Command,
    Event,
    Identity,
    InboundRequest,
    Refusal,
    SourceConfig,
    Unparsable,
)
from hookyard.core.ingress.providers import scheme, wire
from hookyard.core.ingress.providers.peek import Peek, first
from hookyard.core.ingress.providers.scheme import Scheme
from hookyard.kit.json import Json, JsonObject, dig

Path: TypeAlias = tuple[str, ...]
_MEDIA = frozenset({wire.JSON})


@dataclass(frozen=True, slots=True)
class Facts:
    """Paths into the payload from which an Event is filled; the first that holds text counts.

    `bots` pairs a path with the value that says the actor is a machine.
    """

    action: tuple[Path, ...] = ()
    repository: tuple[Path, ...] = ()
    subject: tuple[Path, ...] = ()
    actor: tuple[Path, ...] = ()
    actor_id: tuple[Path, ...] = ()
    bots: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """One provider.

    The event name comes from the body where `event_paths` find it (bodies are signed, headers
    are not), else from `event_header`. The delivery id comes from the first of `id_headers`,
    else from `id_path`, else it is the body's hash; `hook_headers` go before it in the dedupe
    key. `needs` pairs the beginning of an event name with a key its payload must have.
    """

    name: str
    schemes: tuple[Scheme, ...]
    event_header: bytes = b""
    event_paths: tuple[Path, ...] = ()
    id_headers: tuple[bytes, ...] = ()
    id_path: Path = ()
    hook_headers: tuple[bytes, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    facts: Facts = field(default_factory=Facts)
    kept: tuple[bytes, ...] = ()


class SpecProvider:
    """The Provider that a Spec describes. It finds no commands: these sources only report."""

    def __init__(self, spec: Spec) -> None:
        self.name: str = spec.name
        self.spec = spec
        paths = spec.event_paths + ((spec.id_path,) if spec.id_path else ())
        self._peek = Peek(*paths) if paths else None
        own = (b"content-type", b"user-agent", spec.event_header)
        self._kept = tuple(
            dict.fromkeys(h for h in own + spec.id_headers + spec.hook_headers + spec.kept if h)
        )

    def check(self, request: InboundRequest) -> Refusal | None:
        """Refuse by headers: content type, missing signature, event name, delivery id."""
        refusal = wire.refuse_media(request, _MEDIA)
        if refusal is not None:
            return refusal
        headers, spec = request.headers, self.spec
        if not any(headers.get(item.header) for item in spec.schemes):
            return scheme.missing(spec.schemes[0].header)
        name = headers.get(spec.event_header, b"") if spec.event_header else b""
        if (name or (spec.event_header and not spec.event_paths)) and not wire.is_name(name):
            return wire.bad_event(spec.event_header.decode("ascii").title())
        return self._bad_ids(headers)

    def verify(self, request: InboundRequest, source: SourceConfig, now_ms: int) -> Refusal | None:
        """The first scheme whose header is there and that has a secret decides; no fallback."""
        sent = [item for item in self.spec.schemes if request.headers.get(item.header)]
        for item in sent:
            keys = item.keys(source.secrets)
            if keys:
                return scheme.verify(item, request, keys, now_ms)
        return scheme.mismatch(sent[0].header) if sent else self._missing()

    def answer(self, request: InboundRequest, source: SourceConfig) -> Answer | None:
        """The plain reply suits them all."""
        return None

    def identify(self, request: InboundRequest) -> Identity | Refusal:
        """Name and id as the spec says; the hash of the body where there is no id."""
        spec, headers = self.spec, request.headers
        refusal = self._bad_ids(headers)
        if refusal is not None:
            return refusal
        found = self._peek.read(request.body) if self._peek is not None else {}
        sent = next((headers[name] for name in spec.id_headers if headers.get(name)), b"")
        own = sent.decode("ascii") or (found.get(spec.id_path, "") if spec.id_path else "")
        if own and not (own.isascii() and wire.is_id(own.encode("ascii"))):
            return wire.bad_id(".".join(spec.id_path))
        own = own or wire.body_key(request.body)
        hooks = [headers[n].decode("ascii") for n in spec.hook_headers if headers.get(n)]
        header = headers.get(spec.event_header, b"").decode("latin-1")
        event = wire.event_name(first(found, spec.event_paths) or header)
        return Identity(":".join([*hooks, own]), own, event)

    def parse(
        self, event: str, content_type: str, body: bytes, headers: Mapping[str, str]
    ) -> Event | Unparsable:
        """The event, once its name agrees with the body."""
        payload = wire.decode_object(body)
        if isinstance(payload, Unparsable):
            return payload
        reason = self._mismatch(event, payload)
        if reason is not None:
            return Unparsable("event_mismatch", reason)
        facts = self.spec.facts
        return Event(
            provider=self.name,
            name=event,
            action=_text(payload, facts.action) or None,
            repository=_text(payload, facts.repository) or None,
            subject=_text(payload, facts.subject) or _text(payload, facts.repository) or None,
            actor=_text(payload, facts.actor),
            actor_id=_text(payload, facts.actor_id),
            actor_is_bot=any(dig(payload, *path) == value for path, value in facts.bots),
            app_id=None,
            installation_id=None,
            payload=payload,
        )

    def commands(self, event: Event, source: SourceConfig) -> Sequence[Command]:
        """None: these sources only report."""
        return ()

    def kept_headers(self) -> Sequence[bytes]:
        """Names, ids and the sender's version; no signature and no token."""
        return self._kept

    def _missing(self) -> Refusal:
        return scheme.missing(self.spec.schemes[0].header)

    def _bad_ids(self, headers: Mapping[bytes, bytes]) -> Refusal | None:
        for name in self.spec.id_headers + self.spec.hook_headers:
            value = headers.get(name)
            if value and not wire.is_id(value):
                return wire.bad_id(name.decode("ascii").title())
        return None

    def _mismatch(self, event: str, payload: JsonObject) -> str | None:
        said = _text(payload, self.spec.event_paths)
        if said and said != event:
            return f"the delivery came as {event}, its body says {wire.clean(said, 64)}"
        if not said and not self.spec.event_header:
            return "the body does not name its event"
        for beginning, key in self.spec.needs:
            if event.startswith(beginning) and key not in payload:
                return f"a {event} event carries {key}; this payload does not"
        return None


def _text(payload: Json, paths: tuple[Path, ...]) -> str:
    return next((text for path in paths if (text := wire.name_of(dig(payload, *path)))), "")

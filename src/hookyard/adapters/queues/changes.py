"""The port of sinks: changes of records, sent on to a stream or queue of the operator.

Delivery is at least once: a change may come again, with the same `tenant` and `seq`, which is
what readers tell repeats by. The names are those of Debezium's outbox router.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChangeMessage:
    """One change. `payload` is JSON text with `op`, `before` and `after`, `at` RFC 3339."""

    tenant: str
    seq: int
    id: str
    aggregatetype: str
    aggregateid: str
    type: str
    at: str
    payload: str

    @property
    def record(self) -> str:
        """What has to stay in order: the record that changed, told apart from all others."""
        return f"{self.tenant}/{self.aggregatetype}/{self.aggregateid}"

    def fields(self) -> dict[str, str]:
        """By name, all of it text."""
        return {
            "tenant": self.tenant,
            "seq": str(self.seq),
            "id": self.id,
            "aggregatetype": self.aggregatetype,
            "aggregateid": self.aggregateid,
            "type": self.type,
            "at": self.at,
            "payload": self.payload,
        }


def body_of(message: ChangeMessage) -> str:
    """A message as JSON; its payload is an object in it."""
    fields = message.fields() | {"seq": message.seq, "payload": json.loads(message.payload)}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def event_attributes(
    tenant: str, seq: int, aggregatetype: str, aggregateid: str, what: str, at: str
) -> dict[str, str]:
    """What makes a CloudEvent of a change, besides its data; `what` is created, updated, ….

    # spec: CloudEvents 1.0.2, context attributes; `sequence` is an extension of theirs.
    """
    return {
        "specversion": "1.0",
        "id": f"{tenant}/{seq}",
        "source": f"/tenants/{tenant}/changes",
        "type": f"hookyard.records.{aggregatetype}.{what}",
        "subject": f"{aggregatetype}/{aggregateid}",
        "time": at,
        "sequence": f"{seq:020d}",
    }


class ChangeRefused(Exception):
    """A sink will never take this message; those before it were sent."""

    def __init__(self, seq: int, reason: str) -> None:
        self.seq = seq
        super().__init__(reason)


class ChangeSink(Protocol):
    """Takes changes of one tenant after another, each tenant's in order."""

    async def send(self, messages: Sequence[ChangeMessage]) -> None:
        """Send them in order; Unavailable when some may not have been sent, ChangeRefused."""
        ...

    async def probe(self) -> None:
        """Reach it without sending anything; Unavailable says why that fails."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...

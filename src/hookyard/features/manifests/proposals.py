"""Proposals of an outside program or model: what it is asked, and what of its answer is taken.

It gets the finished manifest and may give texts for gaps that are in it, nothing else: the rest of
the document stays as it was, byte for byte, under a digest of its own. Pure.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

import msgspec

from hookyard.features.manifests.encode import names_of, to_bytes
from hookyard.kit.json import Json, JsonObject

REQUEST_SCHEMA = "hookyard.proposals.request/1"
MAX_ANSWER = 1024 * 1024
MAX_TEXT = 4_000
MAX_PER_GAP = 3
TASK = (
    "For gaps of this manifest of a pull request, propose tests: what to arrange, do and expect, "
    'in plain words or code. Answer with one JSON object: {"proposals": [{"gap": <rank of a gap>, '
    '"text": <at most 4000 characters>}]}. Other keys are refused.'
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one question may cost: seconds, proposals taken, tokens of an answer."""

    seconds: float = 60.0
    proposals: int = 50
    tokens: int = 4_000


class Cost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an answer cost, as far as its giver says; money in millionths of a dollar."""

    input_tokens: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    output_tokens: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    micro_usd: Annotated[int, msgspec.Meta(ge=0, le=10**12)] | None = None


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text for one gap, by its rank."""

    gap: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that an answer may hold."""

    proposals: Annotated[list[Proposal], msgspec.Meta(max_length=1_000)]
    cost: Cost = Cost()


_ANSWER = msgspec.json.Decoder(Answer)


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer: `status` is failed, timeout or refused."""

    status: str
    reason: str


class Provider(Protocol):
    """Asks one outside program. It never raises for what that program does."""

    name: str

    async def suggest(self, question: bytes, budget: Budget) -> Answer | Failed:
        """Its answer to a question as `question_of` makes them."""
        ...


def question_of(document: JsonObject, budget: Budget) -> bytes:
    """The question about a manifest, the same bytes for the same manifest and budget."""
    bounds: JsonObject = {"proposals": budget.proposals, "tokens": budget.tokens}
    return to_bytes(
        {"schema": REQUEST_SCHEMA, "task": TASK, "budget": bounds, "manifest": document}
    )


def read_answer(raw: bytes) -> Answer | Failed:
    """An answer that fits the schema, or why this is none."""
    if len(raw) > MAX_ANSWER:
        return Failed("refused", f"the answer is larger than {MAX_ANSWER // 1024} KiB")
    try:
        return _ANSWER.decode(raw)
    except msgspec.ValidationError as error:
        return Failed("refused", f"the answer does not fit its schema: {error}"[:300])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Failed("refused", "the answer is not JSON")


def with_proposals(
    document: JsonObject, provider: str, question: bytes, answer: Answer | Failed, budget: Budget
) -> dict[str, Json]:
    """The document with what was proposed; all of its other keys as they were."""
    record: dict[str, Json] = {
        "provider": provider,
        "prompt_sha256": hashlib.sha256(question).hexdigest(),
        "status": "added",
        "reason": None,
        "cost": None,
        "refused": 0,
        "items": [],
    }
    if isinstance(answer, Failed):
        record |= {"status": answer.status, "reason": answer.reason}
        return {**document, "proposals": record}
    taken, refused = _taken(document, answer, budget)
    record |= {"items": taken, "refused": refused, "cost": _cost(answer.cost)}
    if not taken:
        record |= {"status": "refused", "reason": "no proposal names a gap of this manifest"}
    return {**document, "proposals": record}


def _taken(document: JsonObject, answer: Answer, budget: Budget) -> tuple[list[Json], int]:
    gaps = len(names_of(document, "gaps"))
    count: dict[int, int] = {}
    taken: list[Json] = []
    for proposal in answer.proposals:
        so_far = count.get(proposal.gap, 0)
        text = _clean(proposal.text)
        fits = proposal.gap < gaps and so_far < MAX_PER_GAP and len(taken) < budget.proposals
        if fits and text:
            count[proposal.gap] = so_far + 1
            taken.append({"gap": proposal.gap, "text": text})
    return taken, len(answer.proposals) - len(taken)


def _clean(text: str) -> str:
    """The text without control characters and what no database keeps."""
    kept = "".join(c for c in text if c in "\n\t" or c.isprintable())
    return kept.encode("utf-8", "replace").decode().strip()


def _cost(cost: Cost) -> Mapping[str, Json]:
    return {
        "input_tokens": cost.input_tokens,
        "output_tokens": cost.output_tokens,
        "micro_usd": cost.micro_usd,
    }

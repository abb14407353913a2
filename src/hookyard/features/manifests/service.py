"""Use cases of manifests: keep one for a pull request's commit, and look it up."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.features.manifests import store
from hookyard.features.manifests.encode import names_of, to_bytes
from hookyard.features.manifests.model import OpenCriterion
from hookyard.features.manifests.store import Kept
from hookyard.kit.ids import IdMaker
from hookyard.kit.json import JsonObject, as_int, as_object, as_text

OpenCriteria: TypeAlias = Callable[[Unit, str, int], tuple[OpenCriterion, ...]]
"""Criteria of a pull request's issues that have no test yet; others know them."""


@dataclass(frozen=True, slots=True)
class ManifestMade:
    """A manifest was stored."""

    repository: str
    number: int
    head_sha: str
    delivery_id: str | None


Told: TypeAlias = Callable[[Unit, ManifestMade], None]


def no_criteria(_unit: Unit, _repository: str, _number: int) -> tuple[OpenCriterion, ...]:
    """What is known where nobody keeps criteria."""
    return ()


class Manifests:
    """Keeps manifests. `open_criteria` is asked when one is made; `told` hears of each stored."""

    def __init__(
        self,
        ids: IdMaker,
        open_criteria: OpenCriteria = no_criteria,
        told: Told | None = None,
    ) -> None:
        self._ids = ids
        self.open_criteria = open_criteria
        self._told = told

    def record(
        self, unit: Unit, document: JsonObject, now_ms: int, delivery_id: str | None = None
    ) -> Kept:
        """Store a manifest's document under its pull request and head."""
        repository = as_text(document.get("repository"))
        number = as_int(document.get("pull_request")) or 0
        measured = as_object(document.get("measured"))
        store.lock(unit, repository, number)
        kept = Kept(
            id=self._ids.new(now_ms),
            repository=repository,
            number=number,
            head_sha=as_text(document.get("head")),
            base_sha=as_text(document.get("base")),
            document=to_bytes(document),
            digest=digest_of(document),
            files=as_int(measured.get("files")) or 0,
            measured=as_int(measured.get("measured")) or 0,
            gaps=len(names_of(document, "gaps")),
            suggestions=len(names_of(document, "suggestions")),
            created_at_ms=now_ms,
        )
        store.save(unit, kept)
        if self._told is not None:
            self._told(unit, ManifestMade(repository, number, kept.head_sha, delivery_id))
        return kept

    def find(
        self, unit: Unit, repository: str, number: int, head_sha: str | None = None
    ) -> Kept | None:
        """The manifest of a commit, or the newest of the pull request; None when none is known."""
        return store.find(unit, repository, number, head_sha)


def digest_of(document: JsonObject) -> str:
    """SHA-256 of the part that is the same whenever it is made: all but the proposals."""
    return hashlib.sha256(to_bytes({**document, "proposals": None})).hexdigest()

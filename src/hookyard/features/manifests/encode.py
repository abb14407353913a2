"""A manifest as JSON: sorted keys, whole numbers, no time and no id, so that the same pull request
at the same commits gives the same bytes. `schema.py` says what is in it."""

from collections.abc import Iterable, Sequence

import msgspec

from hookyard.features.manifests.build import Found, Manifest
from hookyard.features.manifests.gaps import Covered, Gap
from hookyard.features.manifests.measure import Measured
from hookyard.features.manifests.model import Edge, OpenCriterion
from hookyard.features.manifests.suggest import Suggestion
from hookyard.kit.json import Json, JsonObject

SCHEMA = "hookyard.manifest/1"


def to_bytes(document: JsonObject) -> bytes:
    """Compact JSON with sorted keys."""
    return msgspec.json.encode(document, order="sorted")


def to_json(manifest: Manifest) -> dict[str, Json]:
    """The document. `proposals` is added by whoever asked for some."""
    subject = manifest.subject
    ids = {id(found.symbol): at for at, found in enumerate(manifest.symbols)}
    return {
        "schema": SCHEMA,
        "repository": subject.repository or None,
        "pull_request": subject.number,
        "base": subject.base or None,
        "head": subject.head or None,
        "measured": _measured(manifest),
        "files": [_file(file) for file in manifest.files],
        "unmeasured": [
            {"path": file.diff.path, "reason": file.problem}
            for file in manifest.files
            if file.problem
        ],
        "symbols": [_symbol(found) for found in manifest.symbols],
        "gaps": [_gap(rank, gap, ids) for rank, gap in enumerate(manifest.gaps)],
        "criteria": [_criterion(criterion) for criterion in manifest.criteria],
        "suggestions": [_suggestion(one) for one in manifest.suggestions],
        "notes": list(manifest.notes),
        "proposals": None,
    }


def _measured(manifest: Manifest) -> JsonObject:
    files = manifest.files
    return {
        "files": manifest.total,
        "measured": manifest.measured,
        "says": f"{manifest.measured} of {manifest.total} files measured",
        "lines_added": sum(len(file.diff.added) for file in files),
        "lines_deleted": sum(len(file.diff.deleted) for file in files),
        "tests_known": manifest.tests_known,
        "tests_read": manifest.tests_read,
    }


def _file(file: Measured) -> JsonObject:
    return {
        "path": file.diff.path,
        "old_path": file.diff.old_path if file.diff.old_path != file.diff.path else None,
        "status": file.diff.status.value,
        "class": file.file_class.value,
        "language": file.language.name if file.language else None,
        "precision": file.precision,
        "added": len(file.diff.added),
        "deleted": len(file.diff.deleted),
        "note": file.note or None,
        "problem": file.problem or None,
    }


def ranges(lines: Iterable[int]) -> list[Json]:
    """Ascending numbers as `[first, last]` pairs."""
    found: list[list[int]] = []
    for line in lines:
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return list(found)


def _pair(lines: tuple[int, int] | None) -> Json:
    return None if lines is None else list(lines)


def _symbol(found: Found) -> JsonObject:
    one = found.symbol
    return {
        "file": one.file,
        "name": one.name,
        "kind": one.kind,
        "change": one.change.value,
        "precision": one.precision.value,
        "was": one.was or None,
        "lines": _pair(one.lines),
        "old_lines": _pair(one.old_lines),
        "added": ranges(one.added),
        "deleted": ranges(one.deleted),
        "signature_changed": one.signature_changed,
        "public": one.is_public,
        "boundaries": list(one.boundaries),
        "complexity": one.complexity,
        "tests": [_edge(edge) for edge in found.tests],
        "coverage": _covered(found.covered),
    }


def _edge(edge: Edge) -> JsonObject:
    return {
        "file": edge.test,
        "case": edge.case or None,
        "reason": edge.reason,
        "strength": edge.strength,
        "detail": edge.detail,
    }


def _covered(covered: Covered | None) -> Json:
    if covered is None:
        return None
    return {
        "measurable": covered.measurable,
        "covered": covered.covered,
        "uncovered": ranges(covered.uncovered),
        "partial": ranges(covered.partial),
    }


def _gap(rank: int, gap: Gap, ids: dict[int, int]) -> JsonObject:
    return {
        "rank": rank,
        "symbol": ids[id(gap.symbol)],
        "file": gap.symbol.file,
        "name": gap.symbol.name,
        "score": gap.score,
        "reasons": [{"code": code, "detail": detail} for code, detail in gap.reasons],
        "boundaries": list(gap.symbol.boundaries),
    }


def _criterion(criterion: OpenCriterion) -> JsonObject:
    return {"issue": criterion.issue, "id": criterion.id, "text": criterion.text}


def _suggestion(one: Suggestion) -> JsonObject:
    criterion = one.criterion
    return {
        "criterion": None if criterion is None else criterion.id,
        "issue": None if criterion is None else criterion.issue,
        "gap": one.gap,
        "why": one.why,
        "framework": one.framework.name or None,
        "framework_why": one.framework.why,
        "target": one.target or None,
        "name": one.name,
        "skeleton": one.skeleton or None,
        "boundaries": list(one.boundaries),
    }


def names_of(document: JsonObject, key: str) -> Sequence[Json]:
    """A list of the document, for those who show it."""
    value = document.get(key)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()

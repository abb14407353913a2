"""Tables of checklists and their criteria, and every statement on them; their past is in
`store_history`.

Repositories are compared in lower case, as GitHub does. Retired criteria stay, so that their ids
are never given again and old evidence can still name them.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from hookyard.adapters.database.port import METADATA, Unit
from hookyard.features.checklists import store_history
from hookyard.features.checklists.model import (
    Checklist,
    ChecklistFilter,
    ChecklistSummary,
    Confidence,
    Criterion,
    ItemKind,
    Purpose,
    Waiver,
)

CHECKLISTS = Table(
    "checklists",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("repository", Text, nullable=False),
    Column("repository_key", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body_sha", Text, nullable=False),
    Column("confidence", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("next_id", Integer, nullable=False),
    Column("issue_updated_at_ms", BigInteger, nullable=False),
    Column("updated_at_ms", BigInteger, nullable=False),
    Column("effect_id", Text),
    Column("comment_sha", Text),
    Column("comments", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("author", Text, nullable=False, server_default=text("''")),
    Column("url", Text, nullable=False, server_default=text("''")),
    Column("cut", Integer, nullable=False, server_default=text("0")),
    Column("gone", Text),
    Index("uq_checklists_repository_number", "repository_key", "number", unique=True),
)

CRITERIA = Table(
    "criteria",
    METADATA,
    Column("checklist_id", Text, ForeignKey("checklists.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("group_text", Text, nullable=False),
    Column("author_id", Text),
    Column("text", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("checked", Integer),
    Column("waived", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("retired_at_ms", BigInteger),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("depth", Integer, nullable=False, server_default=text("0")),
    Column("meaning", Integer, nullable=False, server_default=text("1")),
    Column("evidence_from", Integer, nullable=False, server_default=text("1")),
)


def lock(unit: Unit, repository: str, number: int) -> None:
    """Let no other unit change this checklist until this one ends."""
    unit.lock(f"checklist:{repository.lower()}#{number}")


def find(unit: Unit, repository: str, number: int) -> Checklist | None:
    """The checklist of an issue with its standing criteria, in order."""
    where = and_(CHECKLISTS.c.repository_key == repository.lower(), CHECKLISTS.c.number == number)
    row = unit.first(select(CHECKLISTS).where(where))
    if row is None:
        return None
    rows = unit.fetch(
        select(CRITERIA)
        .where(CRITERIA.c.checklist_id == row["id"], CRITERIA.c.retired_at_ms.is_(None))
        .order_by(CRITERIA.c.position)
    )
    return _checklist(row, _with_past(unit, row["id"], [_criterion(r) for r in rows]))


def find_criterion(
    unit: Unit, checklist_id: str, criterion_id: str
) -> tuple[Criterion, int | None] | None:
    """One criterion, retired or not, and when it was retired."""
    own = and_(CRITERIA.c.checklist_id == checklist_id, CRITERIA.c.id == criterion_id)
    row = unit.first(select(CRITERIA).where(own))
    if row is None:
        return None
    (criterion,) = _with_past(unit, checklist_id, [_criterion(row)])
    return criterion, row["retired_at_ms"]


def _with_past(
    unit: Unit, checklist_id: str, criteria: Sequence[Criterion]
) -> tuple[Criterion, ...]:
    """The criteria with the revisions that said the same before, and the waivers in force."""
    back = [c for c in criteria if c.meaning != c.evidence_from]
    earlier = store_history.revisions_of(unit, checklist_id, [(c.id, c.meaning) for c in back])
    waivers = store_history.open_waivers(unit, checklist_id)
    return tuple(
        replace(
            criterion,
            earlier=tuple(r for r in earlier.get(criterion.id, ()) if r < criterion.evidence_from),
            decided=in_force(criterion, waivers.get(criterion.id, ())),
        )
        for criterion in criteria
    )


def in_force(criterion: Criterion, waivers: Sequence[Waiver]) -> Waiver | None:
    """The waiver that was given for what the criterion says today."""
    return next((w for w in waivers if w.meaning == criterion.meaning), None)


def save(unit: Unit, checklist: Checklist, retired: Sequence[Criterion]) -> None:
    """Store a checklist as it stands now; `retired` are the criteria it just lost."""
    values = _values(checklist)
    if not unit.run(update(CHECKLISTS).where(CHECKLISTS.c.id == checklist.id).values(values)):
        unit.run(insert(CHECKLISTS).values(values))
    own = CRITERIA.c.checklist_id == checklist.id
    for criterion in retired:
        unit.run(
            update(CRITERIA)
            .where(own, CRITERIA.c.id == criterion.id)
            .values(retired_at_ms=checklist.updated_at_ms)
        )
    unit.run(delete(CRITERIA).where(own, CRITERIA.c.retired_at_ms.is_(None)))
    if checklist.criteria:
        unit.run(
            insert(CRITERIA),
            [_criterion_values(checklist.id, n, c) for n, c in enumerate(checklist.criteria)],
        )


def rename(unit: Unit, old: str, new: str) -> int:
    """Checklists of one repository become another's, but for numbers that it has already."""
    unit.lock(f"checklists:{old.lower()}")
    taken = CHECKLISTS.alias()
    is_taken = (
        select(taken.c.id)
        .where(
            taken.c.repository_key == new.lower(),
            taken.c.number == CHECKLISTS.c.number,
            taken.c.id != CHECKLISTS.c.id,
        )
        .exists()
    )
    return unit.run(
        update(CHECKLISTS)
        .where(CHECKLISTS.c.repository_key == old.lower(), ~is_taken)
        .values(repository=new, repository_key=new.lower())
    )


def page(
    unit: Unit, repository: str, wanted: ChecklistFilter, before: int | None, limit: int
) -> Sequence[ChecklistSummary]:
    """Known checklists of a repository that fit, highest number first, below `before`."""
    standing = and_(CRITERIA.c.checklist_id == CHECKLISTS.c.id, CRITERIA.c.retired_at_ms.is_(None))
    count = func.count(CRITERIA.c.id)
    ticked = func.sum(case((CRITERIA.c.checked == 1, 1), else_=0))
    decided = store_history.is_waived(CRITERIA.c.checklist_id, CRITERIA.c.id, CRITERIA.c.meaning)
    waived = func.sum(case((or_(CRITERIA.c.waived == 1, decided), 1), else_=0))
    query = (
        select(
            CHECKLISTS,
            count.label("criteria"),
            ticked.label("checked"),
            waived.label("waived"),
        )
        .select_from(CHECKLISTS.outerjoin(CRITERIA, standing))
        .where(*_fitting(repository, wanted))
        .group_by(CHECKLISTS.c.id)
        .order_by(CHECKLISTS.c.number.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(CHECKLISTS.c.number < before)
    if wanted.empty is not None:
        query = query.having(count == 0 if wanted.empty else count > 0)
    return [_summary(row) for row in unit.fetch(query)]


def _fitting(repository: str, wanted: ChecklistFilter) -> list[ColumnElement[bool]]:
    conditions = [CHECKLISTS.c.repository_key == repository.lower()]
    if wanted.state is not None:
        conditions.append(CHECKLISTS.c.state == wanted.state)
    if wanted.confidence is not None:
        conditions.append(CHECKLISTS.c.confidence == wanted.confidence.value)
    if wanted.author is not None:
        conditions.append(func.lower(CHECKLISTS.c.author) == wanted.author.lower())
    if wanted.title is not None:
        part = func.lower(CHECKLISTS.c.title).contains(wanted.title.lower(), autoescape=True)
        conditions.append(part)
    if wanted.gone is not None:
        is_gone = CHECKLISTS.c.gone.is_not(None)
        conditions.append(is_gone if wanted.gone else CHECKLISTS.c.gone.is_(None))
    return conditions


def _summary(row: RowMapping) -> ChecklistSummary:
    return ChecklistSummary(
        number=row["number"],
        title=row["title"],
        confidence=Confidence(row["confidence"]),
        revision=row["revision"],
        criteria=row["criteria"],
        checked=row["checked"],
        waived=row["waived"],
        updated_at_ms=row["updated_at_ms"],
        state=row["state"],
        author=row["author"],
        url=row["url"],
        gone=row["gone"],
    )


def _values(checklist: Checklist) -> dict[str, str | int | None]:
    return {
        "id": checklist.id,
        "repository": checklist.repository,
        "repository_key": checklist.repository.lower(),
        "number": checklist.number,
        "title": checklist.title,
        "body_sha": checklist.body_sha,
        "confidence": checklist.confidence.value,
        "reason": checklist.reason,
        "revision": checklist.revision,
        "next_id": checklist.next_id,
        "issue_updated_at_ms": checklist.issue_updated_at_ms,
        "updated_at_ms": checklist.updated_at_ms,
        "effect_id": checklist.effect_id,
        "comment_sha": checklist.comment_sha,
        "comments": int(checklist.comments),
        "state": checklist.state,
        "author": checklist.author,
        "url": checklist.url,
        "cut": int(checklist.cut),
        "gone": checklist.gone,
    }


def _checklist(row: RowMapping, criteria: tuple[Criterion, ...]) -> Checklist:
    return Checklist(
        id=row["id"],
        repository=row["repository"],
        number=row["number"],
        title=row["title"],
        body_sha=row["body_sha"],
        confidence=Confidence(row["confidence"]),
        reason=row["reason"],
        revision=row["revision"],
        next_id=row["next_id"],
        issue_updated_at_ms=row["issue_updated_at_ms"],
        updated_at_ms=row["updated_at_ms"],
        effect_id=row["effect_id"],
        comment_sha=row["comment_sha"],
        comments=bool(row["comments"]),
        state=row["state"],
        author=row["author"],
        url=row["url"],
        cut=bool(row["cut"]),
        gone=row["gone"],
        criteria=criteria,
    )


def _criterion_values(
    checklist_id: str, position: int, criterion: Criterion
) -> dict[str, str | int | None]:
    return {
        "checklist_id": checklist_id,
        "id": criterion.id,
        "position": position,
        "group_text": criterion.group,
        "author_id": criterion.author_id,
        "text": criterion.text,
        "kind": criterion.kind.value,
        "purpose": criterion.purpose.value,
        "checked": None if criterion.checked is None else int(criterion.checked),
        "waived": int(criterion.struck),
        "line": criterion.line,
        "revision": criterion.revision,
        "retired_at_ms": None,
        "detail": criterion.detail,
        "depth": criterion.depth,
        "meaning": criterion.meaning,
        "evidence_from": criterion.evidence_from,
    }


def _criterion(row: RowMapping) -> Criterion:
    return Criterion(
        id=row["id"],
        text=row["text"],
        checked=None if row["checked"] is None else bool(row["checked"]),
        group=row["group_text"],
        line=row["line"],
        kind=ItemKind(row["kind"]),
        author_id=row["author_id"],
        purpose=Purpose(row["purpose"]),
        struck=bool(row["waived"]),
        detail=row["detail"],
        depth=row["depth"],
        revision=row["revision"],
        meaning=row["meaning"],
        evidence_from=row["evidence_from"],
    )

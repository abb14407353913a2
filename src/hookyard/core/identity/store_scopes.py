"""Names of repositories in the scopes of keys and grants, moved as repositories are renamed."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select, update

from hookyard.adapters.database.port import Unit
from hookyard.core.identity.model import ScopeKind
from hookyard.core.identity.store import API_KEYS
from hookyard.core.identity.store_grants import GRANTS


def any_scope(unit: Unit, named: Sequence[tuple[int, str]]) -> bool:
    """Whether some scope is of one of these repositories, or has one of these names."""
    ids, names = [known for known, _ in named], [name for _, name in named]
    for table in (API_KEYS, GRANTS):
        columns = table.c
        wanted = or_(columns.scope_id.in_(ids), columns.scope_name.in_(names))
        if unit.first(select(columns.id).where(wanted).limit(1)) is not None:
            return True
    return False


def move_names(unit: Unit, repository_id: int, name: str) -> int:
    """Bind this name, lower case, to this repository in every scope; how many rows changed."""
    changed = 0
    for table in (API_KEYS, GRANTS):
        columns = table.c
        of_a_repository = columns.scope_kind == ScopeKind.REPOSITORY.value
        another = and_(columns.scope_name == name, columns.scope_id != repository_id)
        lose = update(table).where(of_a_repository, another).values(scope_name="")
        mine = or_(
            and_(columns.scope_id == repository_id, columns.scope_name != name),
            and_(columns.scope_id.is_(None), columns.scope_name == name),
        )
        take = update(table).where(of_a_repository, mine)
        changed += unit.run(lose)
        changed += unit.run(take.values(scope_name=name, scope_id=repository_id))
    return changed

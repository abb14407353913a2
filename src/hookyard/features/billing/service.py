"""Use cases of projects: make, change, archive, and bind repositories to them.

Each change leaves its line in the audit trail, and tells at once that what is remembered is stale.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditEntry
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Action, Actor, Scope, ScopeKind
from hookyard.core.identity.rules import authorize, scopes_for
from hookyard.core.identity.scopes import FindRepository
from hookyard.features.billing import rules, store, store_usage
from hookyard.features.billing.model import (
    Binding,
    Budget,
    NewProject,
    Project,
    ProjectChange,
    Standing,
)
from hookyard.features.billing.periods import day_of, starts
from hookyard.features.billing.stops import Stops
from hookyard.kit.clock import Clock
from hookyard.kit.errors import Conflict, Forbidden, Invalid, NotFound
from hookyard.kit.ids import IdMaker, is_id
from hookyard.kit.json import JsonObject
from hookyard.kit.pages import Page, id_in, page_of

MOST_BINDINGS = 1_000


class Projects:
    """Keeps projects. `changed` is called, after the commit, whenever bindings or budgets did."""

    def __init__(
        self,
        ids: IdMaker,
        audit: Audit,
        clock: Clock,
        stops: Stops,
        find: FindRepository,
        changed: Callable[[], None],
    ) -> None:
        self._ids = ids
        self._audit = audit
        self._clock = clock
        self._stops = stops
        self._find = find
        self._changed = changed

    # --- projects ---

    def create(self, unit: Unit, actor: Actor, wanted: NewProject) -> Project:
        """A new project; Conflict (`name_taken`) when one that is not archived has its name."""
        store.lock(unit, actor.tenant)
        self._check_name(unit, actor.tenant, wanted.name)
        now_ms = self._clock.now_ms()
        project = Project(
            id=self._ids.new(now_ms),
            tenant=actor.tenant,
            name=wanted.name,
            warn_percent=wanted.warn_percent,
            created_at_ms=now_ms,
            created_by=actor.label,
            changed_at_ms=now_ms,
            budgets=_checked(wanted.budgets),
        )
        store.add_project(unit, project)
        self._tell(unit, actor, "projects.create", project, {"name": project.name})
        return project

    def list_page(
        self, unit: Unit, actor: Actor, cursor: str | None, limit: int, *, archived: bool = False
    ) -> Page[Project]:
        """The projects this actor may read, newest first."""
        before = id_in(cursor)
        ids = readable(actor)
        found = store.page(unit, actor.tenant, before, limit + 1, ids=ids, archived=archived)
        return page_of(found, limit, lambda row: row.id)

    def get(self, unit: Unit, actor: Actor, project_id: str) -> Project:
        """A project; NotFound for one of another tenant, none, or out of the actor's sight."""
        may = authorize(actor, Action.PROJECTS_READ, Scope.of_project(project_id, actor.tenant))
        found = store.find_project(unit, actor.tenant, project_id) if is_id(project_id) else None
        if found is None or not may.allowed:
            raise NotFound("there is no such project")
        return found

    def standings(self, unit: Unit, project: Project) -> list[Standing]:
        """How each budget of a project stands now."""
        return self._stops.standings(unit, project)

    def marked(self, unit: Unit) -> Mapping[str, int]:
        """How many budgets are nearly used up in this day or month (`warned`), or `stopped`."""
        day, month = starts(day_of(self._clock.now_ms()))
        return {mark.value: n for mark, n in store_usage.marks_now(unit, day, month).items()}

    def change(self, unit: Unit, actor: Actor, project_id: str, wanted: ProjectChange) -> Project:
        """Change a project. Work that a budget held goes on at once where it may."""
        store.lock(unit, actor.tenant)
        before = self._writable(unit, actor, project_id)
        if wanted.name is not None:
            self._check_name(unit, actor.tenant, wanted.name, before.id)
        after = replace(
            before,
            name=before.name if wanted.name is None else wanted.name,
            warn_percent=(
                before.warn_percent if wanted.warn_percent is None else wanted.warn_percent
            ),
            budgets=before.budgets if wanted.budgets is None else _checked(wanted.budgets),
        )
        if after == before:
            return before
        after = replace(after, changed_at_ms=self._clock.now_ms())
        store.save_project(unit, after)
        self._stops.settle(unit, after, afresh=after.budgets != before.budgets)
        self._tell(unit, actor, "projects.change", after, _difference(before, after))
        return after

    def archive(self, unit: Unit, actor: Actor, project_id: str) -> Project:
        """Close a project: its bindings go, nothing of it is held, its sums stay."""
        store.lock(unit, actor.tenant)
        before = self._writable(unit, actor, project_id)
        now_ms = self._clock.now_ms()
        after = replace(before, archived_at_ms=now_ms, changed_at_ms=now_ms)
        store.save_project(unit, after)
        gone = store.remove_bindings(unit, project_id)
        self._stops.settle(unit, after)
        self._tell(unit, actor, "projects.archive", after, {"bindings": gone})
        return after

    # --- bindings ---

    def bindings(
        self, unit: Unit, actor: Actor, project_id: str, cursor: str | None, limit: int
    ) -> Page[Binding]:
        """What is bound to a project, oldest first."""
        project = self.get(unit, actor, project_id)
        after = id_in(cursor)
        found = store.bindings_page(unit, project.id, after, limit + 1)
        return page_of(found, limit, lambda row: row.id)

    def bind(self, unit: Unit, actor: Actor, project_id: str, text: str) -> Binding:
        """Bind one repository, or an owner's by a pattern.

        Forbidden without the right over those repositories too; Conflict (`already_bound`) when
        they are bound already.
        """
        store.lock(unit, actor.tenant)
        project = self._writable(unit, actor, project_id)
        pattern, repository_id = self._place(unit, text)
        self._check_may_bind(actor, pattern, repository_id)
        there = store.bound(unit, actor.tenant, pattern, repository_id)
        if there is not None:
            if there.project_id == project.id:
                return there
            raise Conflict(f"{pattern} is bound to another project", code="already_bound")
        if store.count_bindings(unit, project.id, MOST_BINDINGS) >= MOST_BINDINGS:
            raise Conflict(
                f"a project has {MOST_BINDINGS} bindings at most; use a pattern",
                code="too_many_bindings",
            )
        now_ms = self._clock.now_ms()
        binding = Binding(
            self._ids.new(now_ms), actor.tenant, project.id, pattern, repository_id, now_ms,
            actor.label,
        )  # fmt: skip
        store.add_binding(unit, binding)
        self._rebound(unit, actor, "projects.bind", project, binding)
        return binding

    def unbind(self, unit: Unit, actor: Actor, project_id: str, binding_id: str) -> Binding:
        """Take a binding away; what it was. What was used stays with the project."""
        store.lock(unit, actor.tenant)
        project = self._writable(unit, actor, project_id)
        binding = store.find_binding(unit, project.id, binding_id) if is_id(binding_id) else None
        if binding is None:
            raise NotFound("there is no such binding")
        store.remove_binding(unit, binding.id)
        self._rebound(unit, actor, "projects.unbind", project, binding)
        return binding

    # --- inside ---

    def _writable(self, unit: Unit, actor: Actor, project_id: str) -> Project:
        project = self.get(unit, actor, project_id)
        scope = Scope.of_project(project.id, actor.tenant)
        decision = authorize(actor, Action.PROJECTS_WRITE, scope)
        if not decision.allowed:
            raise Forbidden(decision.reason)
        if project.archived_at_ms is not None:
            raise Conflict("the project is archived", code="project_archived")
        return project

    def _check_name(self, unit: Unit, tenant: str, name: str, own: str | None = None) -> None:
        there = store.named(unit, tenant, name)
        if there is not None and there != own:
            raise Conflict("another project has this name", code="name_taken")

    def _place(self, unit: Unit, text: str) -> tuple[str, int | None]:
        """A pattern, or a repository's present name with its id where it is known."""
        pattern = rules.pattern_of(text)
        if pattern is None:
            raise Invalid(
                "bind owner/name, or owner/ with stars in the name, as acme/* or acme/shop-*",
                code="bad_pattern",
            )
        found = None if rules.is_glob(pattern) else self._find(unit, pattern)
        return (pattern, None) if found is None else (found[1], found[0])

    def _check_may_bind(self, actor: Actor, pattern: str, repository_id: int | None) -> None:
        """# why: whoever has a project could else draw other people's repositories into it."""
        scope = Scope.of_repository(pattern, actor.tenant, repository_id)
        if rules.is_glob(pattern):
            scope = Scope.of_org(pattern.partition("/")[0], actor.tenant)
        decision = authorize(actor, Action.PROJECTS_WRITE, scope)
        if not decision.allowed:
            raise Forbidden(f"{decision.reason}, over {scope}")

    def _rebound(
        self, unit: Unit, actor: Actor, action: str, project: Project, binding: Binding
    ) -> None:
        # why: a pattern may take repositories from, or leave them to, a wider one elsewhere, whose
        # stop then holds jobs that are no longer its own.
        stopped = {project.id, *store_usage.stopped(unit)}
        for one in store.of_ids(unit, sorted(stopped)):
            self._stops.settle(unit, one, afresh=True)
        detail: JsonObject = {"pattern": binding.pattern, "repository_id": binding.repository_id}
        self._tell(unit, actor, action, project, detail)

    def _tell(
        self, unit: Unit, actor: Actor, action: str, project: Project, detail: JsonObject
    ) -> None:
        entry = AuditEntry(
            actor.label, action, f"project:{project.id}", detail=detail, tenant=project.tenant
        )
        self._audit.record(unit, entry, self._clock.now_ms())
        unit.after_commit(self._changed)


def readable(actor: Actor, action: Action = Action.PROJECTS_READ) -> list[str] | None:
    """The ids of the projects an actor may read; None for all of its tenant."""
    scopes = scopes_for(actor, action)
    if any(scope.kind is ScopeKind.TENANT for scope in scopes):
        return None
    return sorted({scope.name for scope in scopes if scope.kind is ScopeKind.PROJECT})


def _checked(budgets: tuple[Budget, ...]) -> tuple[Budget, ...]:
    """Budgets in order; Invalid when two are of one meter and period, or one is out of bounds."""
    places = {(budget.period, budget.meter) for budget in budgets}
    if len(places) != len(budgets):
        raise Invalid("name each meter once for a period", code="bad_budget")
    if any(not 0 <= budget.amount < rules.MAX_BUDGET for budget in budgets):
        raise Invalid("a budget's amount is too large", code="bad_budget")
    return tuple(sorted(budgets, key=lambda budget: (budget.period, budget.meter)))


def _difference(before: Project, after: Project) -> JsonObject:
    """What changed, for the audit trail."""
    found: dict[str, object] = {}
    if before.name != after.name:
        found["name"] = [before.name, after.name]
    if before.warn_percent != after.warn_percent:
        found["warn_percent"] = [before.warn_percent, after.warn_percent]
    if before.budgets != after.budgets:
        found["budgets"] = [_listed(before.budgets), _listed(after.budgets)]
    return found  # type: ignore[return-value]


def _listed(budgets: tuple[Budget, ...]) -> list[str]:
    """Budgets in words, `month minutes 1000 hard`."""
    return [
        f"{b.period.value} {b.meter.value} {rules.outward(b.meter, b.amount)}"
        f" {'hard' if b.hard else 'soft'}"
        for b in budgets
    ]

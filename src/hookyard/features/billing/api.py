"""Billing projects over HTTP: /api/admin/projects, and the repositories bound to them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.gate import Cursor, Gate, Id, Limit
from hookyard.core.identity.model import Action, Actor
from hookyard.features.billing.handing import Handing
from hookyard.features.billing.keys import ProviderKeys
from hookyard.features.billing.model import Project
from hookyard.features.billing.service import Projects
from hookyard.features.billing.usage import Usage
from hookyard.features.billing.wire import (
    BindingOut,
    BindingsOut,
    NewBindingIn,
    NewProjectIn,
    ProjectChangeIn,
    ProjectOut,
    ProjectsOut,
    binding_out,
    project_out,
)
from hookyard.kit.pages import clamp_limit


@dataclass(frozen=True, slots=True)
class BillingPorts:
    """What the routes are made of."""

    database: Database
    projects: Projects
    usage: Usage
    keys: ProviderKeys
    handing: Handing


def router(ports: BillingPorts, gate: Gate) -> APIRouter:
    """The routes under /api/admin/projects."""
    routes = APIRouter(prefix="/api/admin/projects", tags=["billing"])
    _reads(routes, ports, gate)
    _changes(routes, ports, gate)
    _bindings(routes, ports, gate)
    return routes


def _reads(routes: APIRouter, ports: BillingPorts, gate: Gate) -> None:
    database, projects = ports.database, ports.projects
    reader = Depends(gate.require(Action.PROJECTS_READ))

    @routes.get("")
    async def list_projects(
        actor: Annotated[Actor, reader],
        archived: Annotated[bool, Query()] = False,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> ProjectsOut:
        """The projects you may read, newest first, with how their budgets stand."""

        def look(unit: Unit) -> ProjectsOut:
            page = projects.list_page(unit, actor, cursor, clamp_limit(limit), archived=archived)
            return ProjectsOut([_shown(unit, projects, p) for p in page.items], page.next_cursor)

        return await database.read(look)

    @routes.get("/{project_id}")
    async def get_project(actor: Annotated[Actor, reader], project_id: Id) -> ProjectOut:
        """A project, with how its budgets stand."""
        return await database.read(
            lambda unit: _shown(unit, projects, projects.get(unit, actor, project_id))
        )


def _changes(routes: APIRouter, ports: BillingPorts, gate: Gate) -> None:
    database, projects = ports.database, ports.projects
    writer = Depends(gate.require(Action.PROJECTS_WRITE))

    @routes.post("", status_code=201)
    async def create_project(
        actor: Annotated[Actor, Depends(gate.require_everywhere(Action.PROJECTS_WRITE))],
        wanted: NewProjectIn,
    ) -> ProjectOut:
        """Make a project. Whoever is to own it is given a role over `project:ID`."""
        return await database.write(
            lambda unit: _shown(unit, projects, projects.create(unit, actor, wanted.wanted()))
        )

    @routes.patch("/{project_id}")
    async def change_project(
        actor: Annotated[Actor, writer], project_id: Id, wanted: ProjectChangeIn
    ) -> ProjectOut:
        """Change a project. Work that a budget held goes on once the budget is raised."""

        def change(unit: Unit) -> ProjectOut:
            after = projects.change(unit, actor, project_id, wanted.wanted())
            return _shown(unit, projects, after)

        return await database.write(change)

    @routes.post("/{project_id}/archive")
    async def archive_project(actor: Annotated[Actor, writer], project_id: Id) -> ProjectOut:
        """Close a project: its bindings go and nothing of it is held; its sums stay."""
        return await database.write(
            lambda unit: _shown(unit, projects, projects.archive(unit, actor, project_id))
        )


def _bindings(routes: APIRouter, ports: BillingPorts, gate: Gate) -> None:
    database, projects = ports.database, ports.projects
    reader = Depends(gate.require(Action.PROJECTS_READ))
    writer = Depends(gate.require(Action.PROJECTS_WRITE))

    @routes.get("/{project_id}/bindings")
    async def list_bindings(
        actor: Annotated[Actor, reader],
        project_id: Id,
        cursor: Cursor = None,
        limit: Limit = None,
    ) -> BindingsOut:
        """What is bound to a project, oldest first."""
        page = await database.read(
            lambda unit: projects.bindings(unit, actor, project_id, cursor, clamp_limit(limit))
        )
        return BindingsOut([binding_out(found) for found in page.items], page.next_cursor)

    @routes.post("/{project_id}/bindings", status_code=201)
    async def bind_repository(
        actor: Annotated[Actor, writer], project_id: Id, wanted: NewBindingIn
    ) -> BindingOut:
        """Bind a repository, or those of an owner that fit a pattern; the same again changes
        nothing. You need the right over them as well."""
        return binding_out(
            await database.write(
                lambda unit: projects.bind(unit, actor, project_id, wanted.repository)
            )
        )

    @routes.delete("/{project_id}/bindings/{binding_id}")
    async def unbind_repository(
        actor: Annotated[Actor, writer], project_id: Id, binding_id: Id
    ) -> BindingOut:
        """Take a binding away; what it was."""
        return binding_out(
            await database.write(lambda unit: projects.unbind(unit, actor, project_id, binding_id))
        )


def _shown(unit: Unit, projects: Projects, project: Project) -> ProjectOut:
    return project_out(project, projects.standings(unit, project))

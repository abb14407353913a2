"""The front door: plain ASGI for webhooks, FastAPI for everything else."""

import asyncio
import json
from functools import cached_property, partial
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import Response

from hookyard import __version__, registry
from hookyard.bootstrap import Yard
from hookyard.bootstrap.renewing import RenewedSources
from hookyard.core.jobs.log_archive import JobLogs
from hookyard.entrypoints.http import errors
from hookyard.entrypoints.http.auth import AuthPages
from hookyard.entrypoints.http.blobs import BlobPage
from hookyard.entrypoints.http.bodies import DEADLINE_S, BodyBudget
from hookyard.entrypoints.http.docs import docs_page
from hookyard.entrypoints.http.edge import Edge
from hookyard.entrypoints.http.health import HealthPages
from hookyard.entrypoints.http.metrics import MetricsPage
from hookyard.entrypoints.http.openapi import document
from hookyard.entrypoints.http.pages import start_page
from hookyard.entrypoints.http.pointers import PointerNumbers
from hookyard.entrypoints.http.probes import Probes
from hookyard.entrypoints.http.ratelimit import Limits, Metered
from hookyard.entrypoints.http.recordmetrics import RecordMetrics
from hookyard.entrypoints.http.records import PREFIX as RECORDS
from hookyard.entrypoints.http.records import RecordsApp
from hookyard.entrypoints.http.refusals import RefusalTrail
from hookyard.entrypoints.http.rejections import Rejections
from hookyard.entrypoints.http.security import Guard
from hookyard.entrypoints.http.setup import SetupPages
from hookyard.entrypoints.http.telemetry import (
    BatchMetrics,
    GitHubMetrics,
    JobMetrics,
    TokenMetrics,
    WebhookMetrics,
)
from hookyard.entrypoints.http.tokens import PREFIXES as TOKENS
from hookyard.entrypoints.http.tokens import TokenLane
from hookyard.entrypoints.http.traced import TracedWebhookApp
from hookyard.entrypoints.http.webhooks import PREFIX, Receive, Scope, Send, WebhookApp


class Front:
    """The ASGI application of a process that serves HTTP.

    `only` are the prefixes of the routes it has beside the pages about itself; None for everything.
    """

    def __init__(
        self, yard: Yard, *, only: frozenset[str] | None = None, deadline_s: float = DEADLINE_S
    ) -> None:
        self._only = only
        self.metrics = CollectorRegistry()
        self.rejections = Rejections(yard.clock)
        public_url = yard.settings.http.public_url
        self.limits = Limits(yard.settings.access, yard.clock, self.metrics)
        self.trail = RefusalTrail(yard.database, yard.audit, yard.clock)
        self.guard = Guard(
            yard.authenticator,
            yard.clock,
            yard.people.visits,
            public_url,
            limits=self.limits,
            authorizer=yard.authorizer,
        )
        self.probes = Probes(yard)
        self.routes: list[APIRoute] = []
        self.app = self._make_app(yard)
        self._add_pages(yard)
        metered = Metered(self.app, self.limits)
        self.api = Edge(metered, yard.ids, yard.clock, deadline_s=deadline_s)
        self.tokens = self._token_lane(yard)
        self.records = self._records(yard, deadline_s)
        traced = yard.traces and partial(TracedWebhookApp, yard.traces, yard.clock)
        self.webhooks: WebhookApp = (traced or WebhookApp)(
            yard.receiver,
            yard.endpoints() if only is None else {},
            registry.PROVIDERS_BY_NAME if only is None else (),
            budget=BodyBudget(yard.settings.http.body_budget),
            rejections=self.rejections,
            metrics=WebhookMetrics(self.metrics),
            max_body=yard.settings.http.max_body,
            deadline_s=deadline_s,
            renewal=None if yard.keeper is None else RenewedSources(yard.keeper),
        )
        yard.endings.listeners.append(JobMetrics(self.metrics, yard.clock))
        yard.calls.listeners.append(GitHubMetrics(self.metrics))
        yard.batches.listeners.append(BatchMetrics(self.metrics))
        if yard.pointers is not None:
            PointerNumbers(self.metrics, yard.pointers)

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document.

        # why: it takes longer than all else of a start, and few ask for it.
        """
        providers = registry.PROVIDERS_BY_NAME if self._only is None else ()
        return document(self.app, self.routes, providers)

    @cached_property
    def _openapi_text(self) -> str:
        return json.dumps(self.openapi)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(PREFIX):
            await self.webhooks(scope, receive, send)
        elif path.startswith(TOKENS) and self._has(path):
            await self.tokens(scope, receive, send)
        elif path.startswith(RECORDS) and self._has(path):
            await self.records(scope, receive, send)
        else:
            await self.api(scope, receive, send)

    def _has(self, path: str) -> bool:
        """Whether this process answers for such a path."""
        return self._only is None or any(path.startswith(prefix) for prefix in self._only)

    def _records(self, yard: Yard, deadline_s: float) -> RecordsApp:
        return RecordsApp(
            yard.records.gateway,
            self.guard,
            self.limits,
            self.trail,
            RecordMetrics(self.metrics),
            yard.ids,
            yard.clock,
            authorizer=yard.authorizer,
            deadline_s=deadline_s,
        )

    def _token_lane(self, yard: Yard) -> TokenLane:
        service = yard.tokens
        service.listeners.listeners.append(TokenMetrics(self.metrics))

        def new_id() -> str:
            return yard.ids.new(yard.clock.now_ms())

        return TokenLane(self.api, self.guard, service.desk, new_id, service.listeners)

    def _make_app(self, yard: Yard) -> FastAPI:
        app = FastAPI(
            title="Hookyard",
            version=__version__,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        errors.install(app, self.trail, self._methods_of)
        ports = registry.ApiPorts(
            database=yard.database,
            clock=yard.clock,
            ledger=yard.ledger,
            publisher=yard.publisher,
            deliveries=yard.deliveries,
            checklists=yard.checklists,
            reviews=yard.reviews,
            test_runs=yard.test_runs,
            manifests=yard.manifests,
            audit=yard.audit,
            keys=yard.keys,
            grants=yard.grants,
            audit_keys=yard.audit_key.trusted,
            exchange=yard.exchange,
            desk=yard.desk,
            artifacts=yard.artifacts,
            logs=JobLogs(yard.database, yard.storage.blobs, yard.ledger),
            sources=yard.recovering.source_ports(),
            sessions=yard.people.sessions,
            app_pages=yard.people.app_pages,
            tokens=yard.tokens.ports,
            health=yard.noticing.health,
            notifications=yard.noticing.notifications,
            streams=yard.streams,
            billing=yard.billing.ports,
        )
        for router in registry.routers(ports, self.guard):
            if not self._has(router.prefix):
                continue
            # why: to include a router makes each of its routes a second time, which takes as long
            # as the first; without a prefix of ours the routes are the same.
            app.router.routes += router.routes
            self.routes += [route for route in router.routes if isinstance(route, APIRoute)]
        return app

    def _methods_of(self, path: str) -> list[str]:
        """Every method some route takes at a path."""
        fitting = (route for route in self.routes if route.path_regex.match(path))
        return sorted({method for route in fitting for method in route.methods or ()})

    def _add_pages(self, yard: Yard) -> None:
        """The pages about the process itself: open to all, but /metrics."""
        health = HealthPages(self.probes)

        async def start(request: Request) -> Response:
            paths = sorted(yard.endpoints()) if self._only is None else []
            return start_page(__version__, yard.database.dialect, paths)

        async def docs(request: Request) -> Response:
            return await asyncio.to_thread(lambda: docs_page(self.openapi))

        async def openapi(request: Request) -> Response:
            text = await asyncio.to_thread(lambda: self._openapi_text)
            return Response(text, media_type="application/json")

        for path, endpoint in (
            ("/", start),
            ("/docs", docs),
            ("/openapi.json", openapi),
            ("/health", health.health),
            ("/readyz", health.readyz),
            ("/healthz", health.healthz),
            ("/metrics", MetricsPage(yard, self.metrics, self.guard).show),
            ("/blobs/{key:path}", BlobPage(yard.storage).show),
        ):
            self.app.add_route(path, endpoint, methods=["GET"])
        self._add_sign_in(yard)

    def _add_sign_in(self, yard: Yard) -> None:
        """The routes of sign-in: open to all, as nobody is known there yet."""
        people = yard.people
        pages = AuthPages(
            people.signin, people.visits, self.guard, yard.clock, yard.settings.http.public_url
        )
        for path, endpoint, method in (
            ("/auth/github", pages.github, "GET"),
            ("/auth/callback", pages.github_callback, "GET"),
            ("/auth/oidc/login", pages.oidc, "GET"),
            ("/auth/oidc/callback", pages.oidc_callback, "GET"),
            ("/auth/logout", pages.logout, "POST"),
        ):
            self.app.add_route(path, endpoint, methods=[method])
        if self._only is None:
            self._add_setup(SetupPages(yard, self.guard))

    def _add_setup(self, pages: SetupPages) -> None:
        """The routes that register an App: each asks for what it needs itself."""
        for path, endpoint, method in (
            ("/setup", pages.show, "GET"),
            ("/setup", pages.start, "POST"),
            ("/setup/callback", pages.callback, "GET"),
            ("/setup/result", pages.result, "GET"),
        ):
            self.app.add_route(path, endpoint, methods=[method])

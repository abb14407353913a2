"""`/health`, `/readyz` and `/healthz`: without a credential, and without a secret."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hookyard.entrypoints.http.probes import Probes


class HealthPages:
    """The three pages over one set of probes."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes

    async def health(self, request: Request) -> Response:
        """Alive: the event loop answers."""
        return JSONResponse({"status": "alive"})

    async def readyz(self, request: Request) -> Response:
        """Can serve; 503 with the reasons when not."""
        found = await self._probes.ready()
        body = {"ready": found.ready, "reasons": list(found.reasons)}
        return JSONResponse(body, 200 if found.ready else 503)

    async def healthz(self, request: Request) -> Response:
        """Every dependency with its latency; 503 when one is not healthy."""
        dependencies = await self._probes.dependencies()
        healthy = all(found.healthy for found in dependencies.values())
        body = {
            "healthy": healthy,
            "dependencies": {
                name: {
                    "healthy": found.healthy,
                    "latency_ms": found.latency_ms,
                    "reason": found.reason or None,
                }
                for name, found in dependencies.items()
            },
            "worker": {True: "running", False: "stopped", None: "none"}[self._probes.is_working()],
            "secrets": [
                {
                    "name": found.name,
                    "source": found.source.partition(":")[0],
                    "state": found.state,
                    "age_ms": found.age_ms,
                }
                for found in self._probes.secrets()
            ],
            "tokens": self._probes.tokens(),
            "vectors": await self._probes.vectors(),
            "clock_offset_ms": self._probes.clock_offset_ms(),
            "warnings": [
                {"code": warned.code, "subject": warned.subject}
                for warned in self._probes.warnings()
            ],
        }
        return JSONResponse(body, 200 if healthy else 503)

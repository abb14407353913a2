"""A bare Starlette JSON route: an answer as long as a token's, no caller checked, nothing kept."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TOKEN = {
    "token": "ghs_1001_" + "e" * 500,
    "expires_at": "2030-01-01T00:00:00.000Z",
    "permissions": {"contents": "write", "issues": "write", "metadata": "read"},
    "repositories": None,
    "cached": True,
    "mint_id": "01kf3v0q8zj4w2m6x5t7r9s1ab",
    "installation_id": 1008,
    "account": "acme",
    "app_id": 1001,
}


async def token(request: Request) -> JSONResponse:
    """The same answer to everyone."""
    return JSONResponse(TOKEN)


app = Starlette(routes=[Route("/tokens/installations/{installation_id:int}", token)])

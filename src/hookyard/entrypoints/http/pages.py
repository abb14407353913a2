"""Small pages for people: no script, no asset from anywhere, everything escaped."""

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1f24;background:#fff}"
    "h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.5rem;border-bottom:1px solid #d0d7de}"
    "h3{font-size:1rem;margin:1.5rem 0 .25rem}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em}"
    "pre{background:#f6f8fa;padding:.75rem;overflow:auto}"
    "table{border-collapse:collapse;margin:.5rem 0}"
    "td,th{border:1px solid #d0d7de;padding:.2rem .6rem;text-align:left;vertical-align:top}"
    ".verb{display:inline-block;min-width:4.5rem;font-weight:700}"
    "a{color:#0550ae}nav a{margin-right:1rem}"
    "@media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}"
    "pre{background:#161b22}a{color:#79c0ff}td,th,h2{border-color:#30363d}}"
)
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def policy(forms: str = "'none'") -> str:
    """What a browser may do with a page: no script; forms are sent to `forms` alone."""
    return (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action {forms}; "
        "frame-ancestors 'none'"
    )


POLICY = policy()


def page(title: str, body: str, *, forms: str = "'none'", status: int = 200) -> HTMLResponse:
    """A page around a body that is HTML already; `forms` is where its forms may be sent."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{body}</body></html>"
    )
    return HTMLResponse(text, status, headers={"content-security-policy": policy(forms)})


def start_page(version: str, database: str, sources: list[str]) -> HTMLResponse:
    """What runs here, and where to look."""
    listed = "".join(f"<li><code>{escape(path)}</code></li>" for path in sources)
    none = "<p>No source is configured yet: set <code>GITHUB_WEBHOOK_SECRET</code>.</p>"
    return page(
        "Hookyard",
        f"<h1>Hookyard {escape(version)}</h1>"
        "<p>Signed webhooks in, durable work, the outcome back on GitHub exactly once. "
        f"Running on {escape(database)}.</p>"
        '<nav><a href="/docs">API documentation</a><a href="/openapi.json">OpenAPI document</a>'
        '<a href="/healthz">Health</a><a href="/metrics">Metrics</a></nav>'
        f"<h2>Webhooks are taken in at</h2>{f'<ul>{listed}</ul>' if listed else none}",
    )

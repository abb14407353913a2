"""The pages of setting up the App, as HTML: no script, every value escaped, no secret in them."""

import json
from html import escape

from starlette.responses import HTMLResponse

from hookyard.adapters.github.conversion import NewApp
from hookyard.core.registration.model import DEFAULT_NAME, MAX_NAME, Delivered, Wish
from hookyard.core.registration.rules import form_address, manifest_of
from hookyard.core.registration.wanted import EVENTS, PERMISSIONS
from hookyard.entrypoints.http.pages import page

TITLE = "Set up the GitHub App"


def ask_page(where: str) -> HTMLResponse:
    """Who asks, and what the App is to be called. `where` says where its secrets will lie."""
    return page(
        TITLE,
        f"<h1>{TITLE}</h1><p>GitHub will make an App with the rights Hookyard needs, and Hookyard "
        f"stores its key and secrets in <code>{escape(where)}</code>.</p>"
        '<form method="post" action="/setup">'
        '<p><label>Admin key<br><input type="password" name="key" required autocomplete="off" '
        'size="50"></label></p>'
        f'<p><label>Name of the App<br><input name="name" value="{DEFAULT_NAME}" required '
        f'maxlength="{MAX_NAME}"></label></p>'
        "<p><label>Organisation that owns it (empty: you yourself)<br>"
        '<input name="organization" maxlength="39"></label></p>'
        "<p><button>Go on</button></p></form>",
        forms="'self'",
    )


def github_page(wish: Wish, site: str, state: str) -> HTMLResponse:
    """What will be asked of GitHub, and the form that goes there."""
    manifest = escape(json.dumps(manifest_of(wish)), quote=True)
    owner = escape(wish.organization) or "your own account"
    rights = "".join(
        f"<tr><td>{one.name}</td><td>{one.level}</td><td>{escape(one.reason)}</td></tr>"
        for one in PERMISSIONS
    )
    events = "".join(f"<tr><td>{one.name}</td><td>{escape(one.reason)}</td></tr>" for one in EVENTS)
    return page(
        TITLE,
        f"<h1>{TITLE}</h1><p>The App <b>{escape(wish.name)}</b> of {owner} on {escape(site)} will "
        f"send its webhooks to <code>{escape(wish.public_url)}</code>.</p>"
        f'<form method="post" action="{escape(form_address(site, wish.organization, state))}">'
        f'<input type="hidden" name="manifest" value="{manifest}">'
        "<p><button>Create it on GitHub</button></p></form>"
        f"<h2>Rights it asks for</h2><table>{rights}</table>"
        f"<h2>Events it is told of</h2><table>{events}</table>",
        forms=escape(site),
    )


def result_page(
    app: NewApp, where: str, delivered: Delivered, install: str, *, restart: bool, again: str = ""
) -> HTMLResponse:
    """What was made, whether GitHub reaches us, and what to do next."""
    mark = "GitHub reaches this server" if delivered.is_ok else "GitHub does not reach this server"
    retry = f' <a href="{escape(again)}">Check again</a>' if again and not delivered.is_ok else ""
    steps = "<li>Restart Hookyard, so that all of it uses the App.</li>" if restart else ""
    return page(
        TITLE,
        f"<h1>The App {escape(app.name)} is made</h1>"
        f"<p>Its key and secrets are stored in <code>{escape(where)}</code>.</p>"
        f"<p><b>{mark}.</b> {escape(delivered.detail)}.{retry}</p><h2>Next</h2><ol>{steps}"
        f'<li><a href="{escape(install)}">Install it</a> on the repositories it is for.</li>'
        "<li><code>hookyard doctor</code> looks at all of it again.</li></ol>",
    )


def configured_page(app_id: str, slug: str, install: str) -> HTMLResponse:
    """An App is there already."""
    link = (
        f'<p><a href="{escape(install)}">Install it</a> on more repositories.</p>' if slug else ""
    )
    return page(
        TITLE,
        f"<h1>The App {escape(slug) or escape(app_id)} is set up</h1>{link}"
        "<p><code>hookyard github rotate-webhook-secret</code> exchanges its webhook secret.</p>",
    )


def refused_page(detail: str, status: int) -> HTMLResponse:
    """A refusal, and the way back."""
    return page(
        TITLE,
        f"<h1>{TITLE}</h1><p>{escape(detail)}</p>",
        status=status,
    )

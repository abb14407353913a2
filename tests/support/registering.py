"""A browser on its way through GitHub's registration of an App."""

import re
from html import unescape

import httpx2

from hookyard.kit.json import JsonObject


class Registrar:
    """Sends the form of our page to GitHub, confirms there, and brings the code back."""

    def __init__(self) -> None:
        self.http = httpx2.Client(timeout=90, trust_env=False)
        self.seen: list[str] = []

    def open(self, address: str) -> httpx2.Response:
        """Open a page."""
        answer = self.http.get(address, headers={"accept": "text/html"})
        self.seen.append(answer.text)
        return answer

    def send_form(self, page: str) -> httpx2.Response:
        """Send the form with the manifest to GitHub."""
        action, manifest = form_of(page)
        answer = self.http.post(action, data={"manifest": manifest})
        self.seen.append(answer.text)
        return answer

    def confirm(self, page: httpx2.Response) -> str:
        """Say yes on GitHub's page; where it sends the browser then."""
        (ticket,) = re.findall(r"name=ticket value=(\w+)", page.text)
        where = page.url.join("/settings/apps/manifest")
        answer = self.http.post(where, data={"ticket": ticket})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def back(self, page: str) -> str:
        """The address GitHub sends the browser back to, from the page with the form on."""
        asked = self.send_form(page)
        assert asked.status_code == 200, asked.text
        return self.confirm(asked)

    def close(self) -> None:
        """Close it."""
        self.http.close()


def form_of(page: str) -> tuple[str, str]:
    """Where the form with the manifest goes, and the manifest."""
    (action,) = re.findall(r'<form method="post" action="([^"]+)">', page)
    (manifest,) = re.findall(r'name="manifest" value="([^"]+)"', page)
    return unescape(action), unescape(manifest)


def manifest_in(page: str) -> JsonObject:
    """The manifest of a page."""
    import json

    found: JsonObject = json.loads(form_of(page)[1])
    return found

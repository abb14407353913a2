"""Signing in with GitHub: addresses, the exchange, and how it goes wrong."""

import base64
import json

import httpx2
import pytest

from hookyard.adapters.github.oauth import GitHubOAuth, OAuthClient, app_page, site_of
from hookyard.adapters.github.port import GitHubFailed, GitHubRefused, GitHubUnclear
from hookyard.adapters.github.wire import Wire, WireOptions
from tests.support.browsers import query_of
from tests.support.github import answer

API = "https://github.test/api/v3"
SECRET = "planted-client-secret"
TOKEN = "ghu_" + "t" * 36
USER = {"id": 7, "login": "alice", "name": None, "email": None, "avatar_url": "https://a.test/7"}


def signed(*steps: httpx2.Response | Exception) -> tuple[GitHubOAuth, list[httpx2.Request]]:
    """A client whose GitHub answers from a list, and what it was asked."""
    left, asked = list(steps), []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        step = left.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    wire = Wire(WireOptions(base_url=API, trust_env=False), httpx2.MockTransport(handle))
    return GitHubOAuth(OAuthClient("Iv1.x", SECRET, API), wire), asked


def given(token: str = TOKEN) -> httpx2.Response:
    return answer(200, {"access_token": token, "token_type": "bearer", "scope": ""})


@pytest.mark.parametrize(
    ("api", "site", "page"),
    [
        ("https://api.github.com", "https://github.com", "https://github.com/apps/my-app"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com", "https://octo.ghe.com/apps/my-app"),
        ("https://git.acme/api/v3", "https://git.acme", "https://git.acme/github-apps/my-app"),
        ("https://git.acme/api/v3/", "https://git.acme", "https://git.acme/github-apps/my-app"),
        ("http://127.0.0.1:81", "http://127.0.0.1:81", "http://127.0.0.1:81/apps/my-app"),
    ],
)
def test_the_website_beside_an_api(api: str, site: str, page: str) -> None:
    assert site_of(api) == site
    assert app_page(api, "my-app") == page


async def test_a_code_becomes_a_person_and_the_token_ends() -> None:
    oauth, asked = signed(given(), answer(200, USER), answer(204))
    address = oauth.address("https://h.test/auth/callback", "st&te", "challenge")
    assert address.startswith("https://github.test/login/oauth/authorize?")
    assert query_of(address) == {
        "client_id": "Iv1.x",
        "redirect_uri": "https://h.test/auth/callback",
        "state": "st&te",
        "code_challenge": "challenge",
        "code_challenge_method": "S256",
    }
    user = await oauth.user_of("the-code", "the-verifier", "https://h.test/auth/callback")
    assert (user.id, user.login, user.name, user.email) == (7, "alice", "", None)
    assert [f"{r.method} {r.url}" for r in asked] == [
        "POST https://github.test/login/oauth/access_token",
        "GET https://github.test/api/v3/user",
        "DELETE https://github.test/api/v3/applications/Iv1.x/token",
    ]
    assert json.loads(asked[0].content)["code_verifier"] == "the-verifier"
    assert json.loads(asked[0].content)["redirect_uri"] == "https://h.test/auth/callback"
    assert asked[1].headers["authorization"] == f"Bearer {TOKEN}"
    pair = base64.b64decode(asked[2].headers["authorization"].split()[1]).decode()
    assert pair == f"Iv1.x:{SECRET}"
    assert json.loads(asked[2].content) == {"access_token": TOKEN}
    await oauth.close()


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (answer(200, {"error": "bad_verification_code"}), GitHubRefused),
        (answer(200, {"error": f"leak {SECRET}"}), GitHubRefused),
        (answer(200, {"access_token": TOKEN, "token_type": "mac"}), GitHubRefused),
        (answer(200, {}), GitHubRefused),
        (answer(200, ["x"]), GitHubRefused),
        (answer(302, headers={"location": "https://evil.test"}), GitHubRefused),
        (answer(404, {"message": "Not Found"}), GitHubRefused),
        (answer(503), GitHubFailed),
        (httpx2.Response(200, content=b"access_token=x"), GitHubFailed),
        (httpx2.ConnectError("no"), GitHubFailed),
        (httpx2.ReadTimeout("slow"), GitHubFailed),
    ],
)
async def test_a_code_that_is_not_taken(
    step: httpx2.Response | Exception, error: type[Exception]
) -> None:
    oauth, asked = signed(step)
    with pytest.raises((error, GitHubUnclear)) as caught:
        await oauth.user_of("the-code", "v", "https://h.test/cb")
    assert SECRET not in str(caught.value)
    assert "the-code" not in str(caught.value)
    assert len(asked) == 1
    await oauth.close()


@pytest.mark.parametrize("user", [{}, {"id": "7", "login": "alice"}, {"id": True, "login": "a"}])
async def test_an_answer_that_names_nobody_still_ends_the_token(user: object) -> None:
    oauth, asked = signed(given(), answer(200, user), answer(204))
    with pytest.raises(GitHubFailed):
        await oauth.user_of("c", "v", "https://h.test/cb")
    assert asked[-1].method == "DELETE"
    await oauth.close()


@pytest.mark.parametrize("step", [answer(422), answer(500), httpx2.ConnectError("no")])
async def test_a_token_that_cannot_be_ended_fails_nobody(step: httpx2.Response | Exception) -> None:
    oauth, _ = signed(given(), answer(200, USER), step)
    assert (await oauth.user_of("c", "v", "https://h.test/cb")).login == "alice"
    await oauth.close()


def test_nothing_secret_shows() -> None:
    assert SECRET not in repr(OAuthClient("Iv1.x", SECRET, API))

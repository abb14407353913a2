"""The simulated OpenID issuer refuses what real ones refuse."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from hookyard.adapters.oidc.pkce import challenge_of
from hookyard.kit.clock import ManualClock
from hookyard_sandbox.oidc.issuer import Issuer, Person

BACK = "https://app.example/back"
SECRET = "a secret: with %signs"
VERIFIER = "v" * 43
ASKED = {
    "client_id": "app",
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "nonce": "n",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}
FORM = {
    "grant_type": "authorization_code",
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
    "client_id": "app",
    "client_secret": SECRET,
}


@dataclass
class Stage:
    issuer: Issuer
    http: httpx2.Client
    clock: ManualClock

    def authorize(self, **other: str) -> httpx2.Response:
        asked = {name: value for name, value in (ASKED | other).items() if value}
        return self.http.get("/authorize", params=asked)

    def code(self) -> str:
        return parse_qs(urlsplit(self.authorize().headers["location"]).query)["code"][0]

    def exchange(self, code: str, **other: str) -> httpx2.Response:
        form = {name: value for name, value in (FORM | other).items() if value}
        return self.http.post("/token", data=form | {"code": code})


@pytest.fixture
def stage() -> Iterator[Stage]:
    clock = ManualClock()
    with Issuer(clock) as issuer:
        issuer.register("app", BACK, secret=SECRET)
        issuer.register("open", BACK)
        issuer.sign_in_as(Person("u-1", "Alice"))
        with httpx2.Client(base_url=issuer.address, trust_env=False) as http:
            yield Stage(issuer, http, clock)


def test_a_code_gives_tokens_once_and_a_second_time_takes_them_back(stage: Stage) -> None:
    code = stage.code()
    first = stage.exchange(code)
    assert first.status_code == 200
    bearer = {"authorization": f"Bearer {first.json()['access_token']}"}
    assert stage.http.get("/userinfo", headers=bearer).json()["name"] == "Alice"
    second = stage.exchange(code)
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    assert stage.http.get("/userinfo", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    "other",
    [
        {"client_id": "nobody"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": BACK + "?x=1"},
        {"redirect_uri": "https://app.example.evil/back"},
        {"redirect_uri": ""},
    ],
)
def test_an_unknown_redirect_is_not_followed(stage: Stage, other: dict[str, str]) -> None:
    answer = stage.authorize(**other)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "other",
    [
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"code_challenge": "short"},
        {"nonce": ""},
        {"state": ""},
        {"scope": "profile"},
        {"response_type": "token"},
    ],
)
def test_a_request_without_what_protects_it_gets_no_code(
    stage: Stage, other: dict[str, str]
) -> None:
    answer = parse_qs(urlsplit(stage.authorize(**other).headers["location"]).query)
    assert answer["error"] == ["invalid_request"]
    assert "code" not in answer


def test_somebody_who_declines_gets_no_code(stage: Stage) -> None:
    stage.issuer.sign_in_as(None)
    answer = parse_qs(urlsplit(stage.authorize().headers["location"]).query)
    assert answer["error"] == ["access_denied"]
    assert answer["iss"] == [stage.issuer.address]


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": BACK + "/"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "open", "client_secret": ""}, "invalid_grant"),
        ({"client_id": "open"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_an_exchange_that_is_not_sound_is_refused(
    stage: Stage, other: dict[str, str], error: str
) -> None:
    assert stage.exchange(stage.code(), **other).json()["error"] == error


def test_a_failed_exchange_spends_the_code(stage: Stage) -> None:
    code = stage.code()
    assert stage.exchange(code, code_verifier="w" * 43).status_code == 400
    assert stage.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_ends_after_a_minute(stage: Stage) -> None:
    code = stage.code()
    stage.clock.advance(60)
    assert stage.exchange(code).json()["error"] == "invalid_grant"


def test_basic_is_form_encoded_and_stands_alone(stage: Stage) -> None:
    pair = f"{quote('app', safe='')}:{quote(SECRET, safe='')}"
    headers = {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    form = {k: v for k, v in FORM.items() if not k.startswith("client_")}
    sent = form | {"code": stage.code()}
    assert stage.http.post("/token", data=sent, headers=headers).status_code == 200
    both = form | {"code": stage.code(), "client_secret": SECRET}
    assert stage.http.post("/token", data=both, headers=headers).status_code == 401
    for bad in ("Basic !", "Bearer x", "Basic ="):
        answer = stage.http.post("/token", data=sent, headers={"authorization": bad})
        assert answer.status_code == 401


def test_another_type_of_body_is_refused(stage: Stage) -> None:
    answer = stage.http.post("/token", json=FORM | {"code": stage.code()})
    assert answer.json()["error"] == "invalid_request"


def test_the_old_key_stays_only_when_kept(stage: Stage) -> None:
    assert len(stage.http.get("/jwks").json()["keys"]) == 1
    stage.issuer.rotate()
    assert len(stage.http.get("/jwks").json()["keys"]) == 2
    stage.issuer.rotate(keep_old=False)
    assert [k["kid"] for k in stage.http.get("/jwks").json()["keys"]] == ["key-3"]

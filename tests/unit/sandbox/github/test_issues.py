"""Issues, comments, reactions and labels keep GitHub's rules."""

import pytest

from hookyard.kit.json import Json
from tests.support.sandbox import REPOSITORY, Hub

FULL = "x" * 65_535


async def test_a_comment_by_the_app_says_so(hub: Hub) -> None:
    made = (await hub.repo("POST", "/issues/1/comments", {"body": "hello"})).json()
    assert made["user"]["type"] == "Bot"
    assert made["user"]["login"] == "hookyard[bot]"
    assert made["performed_via_github_app"]["id"] == hub.app.id
    by_hand = hub.sandbox.create_comment(REPOSITORY, 1, "hi")
    shown = (await hub.repo("GET", f"/issues/comments/{by_hand.id}")).json()
    assert shown["user"]["type"] == "User"
    assert shown["performed_via_github_app"] is None
    assert shown["author_association"] == "COLLABORATOR"


@pytest.mark.parametrize("path", ["/issues", "/issues/1/comments"])
async def test_texts_end_at_65535_characters(hub: Hub, path: str) -> None:
    assert (await hub.repo("POST", path, {"title": "x", "body": FULL})).status_code == 201
    answer = await hub.repo("POST", path, {"title": "x", "body": FULL + "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"
    assert "too long" in answer.json()["errors"][0]["message"]


async def test_an_edit_keeps_the_limit(hub: Hub) -> None:
    made = (await hub.repo("POST", "/issues/1/comments", {"body": "hello"})).json()
    path = f"/issues/comments/{made['id']}"
    assert (await hub.repo("PATCH", path, {"body": FULL + "x"})).status_code == 422
    assert (await hub.repo("PATCH", "/issues/1", {"body": FULL + "x"})).status_code == 422
    assert (await hub.repo("GET", path)).json()["body"] == "hello"


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": "  "}, {"body": None}, {"body": 1}])
async def test_a_comment_needs_a_text(hub: Hub, body: Json) -> None:
    assert (await hub.repo("POST", "/issues/1/comments", body)).status_code == 422
    assert hub.sandbox.history(kind="comment") == []


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": "x" * 257}, {"title": None}])
async def test_an_issue_needs_a_title(hub: Hub, body: Json) -> None:
    assert (await hub.repo("POST", "/issues", body)).status_code == 422
    assert len(hub.sandbox.history(kind="issue", action="created")) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "Problems parsing JSON"), (b"[1]", "Body should be a JSON object")],
)
async def test_bodies_must_be_json_objects(hub: Hub, content: bytes, message: str) -> None:
    answer = await hub.client.post(
        f"/repos/{REPOSITORY}/issues",
        content=content,
        headers={"Authorization": f"Bearer {hub.token}"},
    )
    assert (answer.status_code, answer.json()["message"]) == (400, message)


async def test_a_locked_issue_takes_no_comment(hub: Hub) -> None:
    hub.sandbox.repository(REPOSITORY).issues[1].locked = True
    assert (await hub.repo("POST", "/issues/1/comments", {"body": "x"})).status_code == 403


async def test_editing_lands_in_the_same_comment(hub: Hub) -> None:
    made = (await hub.repo("POST", "/issues/1/comments", {"body": "one"})).json()
    hub.clock.advance(5)
    await hub.repo("PATCH", f"/issues/comments/{made['id']}", {"body": "two"})
    shown = (await hub.repo("GET", "/issues/1/comments")).json()
    assert [(c["id"], c["body"]) for c in shown] == [(made["id"], "two")]
    assert shown[0]["updated_at"] > shown[0]["created_at"]
    lines = hub.sandbox.history(kind="comment")
    assert [(x["action"], x["id"]) for x in lines] == [
        ("created", made["id"]),
        ("updated", made["id"]),
    ]


async def test_a_strangers_comment_cannot_be_edited(hub: Hub) -> None:
    comment = hub.sandbox.create_comment(REPOSITORY, 1, "mine")
    token = hub.sandbox.mint(hub.installation, {"issues": "write"})
    path = f"/issues/comments/{comment.id}"
    assert (await hub.repo("PATCH", path, {"body": "x"}, token=token)).status_code == 403
    assert comment.body == "mine"


async def test_one_reacts_once_with_one_word(hub: Hub) -> None:
    path = "/issues/1/reactions"
    first = await hub.repo("POST", path, {"content": "eyes"})
    again = await hub.repo("POST", path, {"content": "eyes"})
    other = await hub.repo("POST", path, {"content": "rocket"})
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 201]
    assert first.json()["id"] == again.json()["id"]
    shown = (await hub.repo("GET", "/issues/1")).json()["reactions"]
    assert (shown["eyes"], shown["rocket"], shown["total_count"]) == (1, 1, 2)
    assert len((await hub.repo("GET", path + "?content=eyes")).json()) == 1
    assert len(hub.sandbox.history(kind="reaction")) == 2


async def test_an_unknown_reaction_is_refused(hub: Hub) -> None:
    answer = await hub.repo("POST", "/issues/1/reactions", {"content": "clap"})
    assert answer.status_code == 422


async def test_a_strangers_reaction_stays(hub: Hub) -> None:
    reaction = hub.sandbox.react(REPOSITORY, 1, "heart")
    assert (await hub.repo("DELETE", f"/issues/1/reactions/{reaction.id}")).status_code == 404


async def test_a_pull_request_is_an_issue_too(hub: Hub) -> None:
    hub.sandbox.push(REPOSITORY, {"a": "a"}, branch="fix")
    hub.sandbox.create_pull(REPOSITORY, "fix", "Fix")
    shown = (await hub.repo("GET", "/issues")).json()
    assert [(i["number"], "pull_request" in i) for i in shown] == [(2, True), (1, False)]


async def test_pull_requests_permission_is_enough_on_a_pull_request_only(hub: Hub) -> None:
    hub.sandbox.push(REPOSITORY, {"a": "a"}, branch="fix")
    hub.sandbox.create_pull(REPOSITORY, "fix", "Fix")
    token = hub.sandbox.mint(hub.installation, {"pull_requests": "write"})
    body: Json = {"body": "x"}
    on_pull = await hub.repo("POST", "/issues/2/comments", body, token=token)
    on_issue = await hub.repo("POST", "/issues/1/comments", body, token=token)
    assert (on_pull.status_code, on_issue.status_code) == (201, 403)


async def test_lists_filter_by_state_label_and_author(hub: Hub) -> None:
    await hub.repo("POST", "/issues", {"title": "by the App", "labels": ["bug", {"name": "ui"}]})
    await hub.repo("PATCH", "/issues/1", {"state": "closed"})

    async def numbers(query: str) -> list[int]:
        return [i["number"] for i in (await hub.repo("GET", f"/issues?{query}")).json()]

    assert await numbers("state=closed") == [1]
    assert await numbers("state=all&direction=asc") == [1, 2]
    assert await numbers("labels=bug,ui") == [2]
    assert await numbers("labels=bug,other") == []
    assert await numbers("creator=hookyard[bot]") == [2]
    assert (await hub.repo("GET", "/issues?state=odd")).status_code == 422


async def test_closing_says_who_and_why(hub: Hub) -> None:
    body: Json = {"state": "closed", "state_reason": "not_planned"}
    shown = (await hub.repo("PATCH", "/issues/1", body)).json()
    assert (shown["state"], shown["state_reason"]) == ("closed", "not_planned")
    assert shown["closed_by"]["login"] == "hookyard[bot]"
    assert (await hub.repo("PATCH", "/issues/1", {"state": "odd"})).status_code == 422


async def test_an_archived_repository_is_read_only(hub: Hub) -> None:
    hub.sandbox.repository(REPOSITORY).archived = True
    assert (await hub.repo("GET", "/issues/1")).status_code == 200
    answer = await hub.repo("POST", "/issues", {"title": "x"})
    assert answer.status_code == 403
    assert "archived" in answer.json()["message"]


async def test_removing_a_label_that_is_not_there_is_404(hub: Hub) -> None:
    assert (await hub.repo("DELETE", "/issues/1/labels/none")).status_code == 404
    assert (await hub.repo("GET", "/labels/none")).status_code == 404
    await hub.repo("POST", "/labels", {"name": "Bug"})
    assert (await hub.repo("POST", "/labels", {"name": "bug"})).status_code == 422


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "9" * 30, "²"])
async def test_odd_numbers_are_not_found(hub: Hub, number: str) -> None:
    assert (await hub.repo("GET", f"/issues/{number}")).status_code == 404

"""Who may do what over HTTP: roles, narrow keys, keys' lives, refusals in the audit trail."""

from hookyard.core.identity.budgets import CallRate
from hookyard.core.identity.model import Action, Role
from hookyard.core.identity.rules import TABLE
from hookyard.core.publishing.model import CommentEffect
from hookyard.entrypoints.http.openapi import action_of
from tests.journeys.conftest import ADMIN, Caller

OPEN = {
    "/",
    "/auth/callback",
    "/auth/github",
    "/auth/logout",
    "/auth/oidc/callback",
    "/auth/oidc/login",
    "/blobs/{key:path}",
    "/docs",
    "/health",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
    "/setup",
    "/setup/callback",
    "/setup/result",
}
NOWHERE = "01k0000000000000000000000z"
CALLS: tuple[tuple[Action, str, str, object], ...] = (
    (Action.DELIVERIES_READ, "GET", "/api/deliveries", None),
    (Action.DELIVERIES_READ, "GET", "/api/deliveries/rejections", None),
    (Action.DELIVERIES_READ, "GET", f"/api/deliveries/{NOWHERE}", None),
    (Action.DELIVERIES_REPLAY, "GET", f"/api/deliveries/{NOWHERE}/payload", None),
    (Action.DELIVERIES_REPLAY, "POST", f"/api/deliveries/{NOWHERE}/replay", None),
    (Action.JOBS_READ, "GET", "/api/jobs", None),
    (Action.JOBS_READ, "GET", f"/api/jobs/{NOWHERE}/log", None),
    (Action.JOBS_WRITE, "POST", "/api/jobs", {"kind": "agent.task"}),
    (Action.JOBS_WRITE, "POST", "/api/jobs/replay", {"filter": {}}),
    (Action.JOBS_WRITE, "POST", f"/api/jobs/{NOWHERE}/replay", None),
    (Action.JOBS_CANCEL, "POST", f"/api/jobs/{NOWHERE}/cancel", None),
    (Action.JOBS_READ, "GET", "/api/pauses", None),
    (Action.JOBS_PAUSE, "POST", "/api/pauses", {"kind": "no.such", "reason": "x"}),
    (Action.JOBS_PAUSE, "DELETE", f"/api/pauses/{NOWHERE}", None),
    (Action.LEASES_WORK, "POST", "/api/leases", {"kinds": ["paint"]}),
    (Action.LEASES_WORK, "POST", f"/api/leases/{NOWHERE}/heartbeat", {"lease": 1}),
    (Action.EFFECTS_READ, "GET", "/api/effects", None),
    (Action.REPOSITORIES_READ, "GET", "/api/repos", None),
    (Action.REPOSITORIES_READ, "GET", "/api/config/schema", None),
    (Action.ISSUES_READ, "GET", "/api/repos/octo/garden/issues", None),
    (Action.ISSUES_WRITE, "POST", "/api/repos/octo/garden/issues/1/regenerate", None),
    (Action.ISSUES_READ, "GET", "/api/repos/octo/garden/issues/1/criteria/T1", None),
    (
        Action.CRITERIA_WAIVE,
        "POST",
        "/api/repos/octo/garden/issues/1/criteria/T1/waiver",
        {"reason": "shown by hand"},
    ),
    (Action.CRITERIA_WAIVE, "DELETE", "/api/repos/octo/garden/issues/1/criteria/T1/waiver", None),
    (Action.REVIEWS_READ, "GET", "/api/repos/octo/garden/prs", None),
    (Action.REVIEWS_READ, "GET", "/api/repos/octo/garden/prs/1", None),
    (Action.REVIEWS_READ, "GET", "/api/repos/octo/garden/prs/1/explain", None),
    (Action.REVIEWS_WRITE, "POST", "/api/repos/octo/garden/prs/1/revalidate", None),
    (Action.REVIEWS_WRITE, "POST", "/api/repos/octo/garden/prs/1/flag_for_merge", None),
    (Action.TESTS_READ, "GET", "/api/repos/octo/garden/runs", None),
    (Action.TESTS_READ, "GET", "/api/repos/octo/garden/unsteady", None),
    (Action.KEYS_READ, "GET", "/api/admin/keys", None),
    (Action.KEYS_WRITE, "POST", "/api/admin/keys", {"name": "n", "role": "viewer"}),
    (Action.KEYS_WRITE, "DELETE", f"/api/admin/keys/{NOWHERE}", None),
    (Action.TOKENS_MINT, "GET", "/tokens/installations/1", None),
    (Action.TOKENS_MINT, "POST", "/tokens/installations/1", {"permissions": {"issues": "read"}}),
    (Action.TOKENS_MINT, "GET", "/tokens/accounts/octo", None),
    (Action.TOKENS_READ, "GET", "/tokens/mints", None),
    (Action.TOKENS_READ, "GET", f"/tokens/mints/{NOWHERE}", None),
    (Action.TOKENS_READ, "POST", "/tokens/simulate", {"policy": "version: 1\nrules: []"}),
    (Action.SELF_READ, "POST", "/tokens/explain", {"installation_id": 1}),
    (Action.TOKENS_REVOKE, "DELETE", f"/tokens/{NOWHERE}", None),
    (Action.AUDIT_READ, "GET", "/api/admin/audit", None),
    (Action.AUDIT_READ, "GET", "/api/admin/audit/export", None),
    (Action.AUDIT_READ, "GET", "/api/admin/audit/verify", None),
    (Action.GRANTS_READ, "GET", "/api/admin/grants", None),
    (Action.GRANTS_WRITE, "POST", "/api/admin/grants", {"subject": "user:u", "role": "viewer"}),
    (Action.GRANTS_WRITE, "DELETE", f"/api/admin/grants/{NOWHERE}", None),
    (
        Action.ACCESS_EXPLAIN,
        "POST",
        "/api/admin/explain",
        {"subject": "user:u", "action": "jobs.read"},
    ),
    (Action.PROJECTS_READ, "GET", "/api/admin/projects", None),
    (Action.PROJECTS_READ, "GET", f"/api/admin/projects/{NOWHERE}", None),
    (Action.PROJECTS_READ, "GET", f"/api/admin/projects/{NOWHERE}/bindings", None),
    (Action.PROJECTS_READ, "GET", "/api/admin/usage", None),
    (Action.PROJECTS_READ, "GET", "/api/admin/usage.csv", None),
    (Action.PROJECTS_WRITE, "POST", "/api/admin/projects", {"name": "Shop"}),
    (Action.PROJECTS_WRITE, "PATCH", f"/api/admin/projects/{NOWHERE}", {"name": "Shop"}),
    (Action.PROJECTS_WRITE, "POST", f"/api/admin/projects/{NOWHERE}/archive", None),
    (
        Action.PROJECTS_WRITE,
        "POST",
        f"/api/admin/projects/{NOWHERE}/bindings",
        {"repository": "acme/*"},
    ),
    (Action.PROJECTS_WRITE, "DELETE", f"/api/admin/projects/{NOWHERE}/bindings/{NOWHERE}", None),
    (Action.PROVIDER_KEYS_READ, "GET", "/api/admin/provider-keys", None),
    (Action.PROVIDER_KEYS_READ, "GET", f"/api/admin/provider-keys/{NOWHERE}", None),
    (
        Action.PROVIDER_KEYS_WRITE,
        "POST",
        "/api/admin/provider-keys",
        {"name": "A_KEY", "provider": "x", "value": "12345678", "projects": [NOWHERE]},
    ),
    (Action.PROVIDER_KEYS_WRITE, "PATCH", f"/api/admin/provider-keys/{NOWHERE}", {}),
    (
        Action.PROVIDER_KEYS_WRITE,
        "POST",
        f"/api/admin/provider-keys/{NOWHERE}/rotate",
        {"value": "12345678"},
    ),
    (Action.PROVIDER_KEYS_WRITE, "DELETE", f"/api/admin/provider-keys/{NOWHERE}", None),
    (Action.SELF_READ, "GET", "/api/me/explain?action=jobs.read", None),
    (Action.SELF_READ, "GET", "/api/me", None),
    (Action.SELF_READ, "GET", "/api/me/sessions", None),
    (Action.SELF_WRITE, "DELETE", "/api/me/sessions", None),
    (Action.SELF_WRITE, "DELETE", f"/api/me/sessions/{NOWHERE}", None),
    (Action.SESSIONS_READ, "GET", "/api/admin/users", None),
    (Action.SESSIONS_READ, "GET", f"/api/admin/users/{NOWHERE}/sessions", None),
    (Action.SESSIONS_WRITE, "DELETE", f"/api/admin/users/{NOWHERE}/sessions", None),
    (Action.REPOSITORIES_READ, "GET", "/api/repos/octo/garden/install", None),
    (Action.HEALTH_READ, "GET", "/api/repos/octo/garden/health", None),
    (Action.HEALTH_READ, "GET", "/api/repos/octo/garden/prs/1/health", None),
    (Action.SELF_READ, "GET", "/api/notifications", None),
    (Action.SELF_READ, "GET", "/api/notifications/rules", None),
    (Action.SELF_READ, "GET", "/api/notifications/stream", None),
    (Action.SELF_WRITE, "PUT", "/api/notifications/rules", {"rules": None}),
    (Action.SELF_WRITE, "POST", "/api/notifications/read-all", None),
    (Action.SELF_WRITE, "POST", f"/api/notifications/{NOWHERE}/read", None),
)


async def test_every_route_names_its_right_and_is_documented(client: Caller) -> None:
    front = client.front
    unguarded = [route.path for route in front.routes if action_of(route) is None]
    assert unguarded == []
    guarded = {route.path_format for route in front.routes}
    for path, item in front.openapi["paths"].items():
        assert path in guarded or path in OPEN or path.startswith("/webhooks/"), path
        for operation in item.values():
            assert operation["operationId"]
    plain = {route.path for route in front.app.routes if route not in front.routes}
    assert plain == OPEN


async def test_without_a_valid_key_nothing_is_told(client: Caller) -> None:
    client.front.limits.strangers.rate = CallRate(0.0, 1)
    for token in ("", "nonsense", "hky_" + "a" * 60, ADMIN[:-1], "x" * 9_000):
        stranger = client.with_token(token)
        for _, method, path, body in CALLS:
            answer = await stranger.call(method, path, body)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["code"] == "unauthenticated"


async def test_each_role_may_do_what_the_table_says(client: Caller) -> None:
    for role in Role:
        holder = await client.key(role.value)
        for action, method, path, body in CALLS:
            answer = await holder.call(method, path, body)
            allowed = action in TABLE[role]
            assert (answer.status_code != 403) is allowed, (role, method, path, answer.text)
            assert answer.status_code < 500


async def test_every_action_of_a_route_is_in_the_matrix(client: Caller) -> None:
    assert {action_of(route) for route in client.front.routes} == {call[0] for call in CALLS}


async def test_narrow_key_sees_its_repository_only(client: Caller) -> None:
    ours = await client.routed("octo/garden")
    theirs = await client.routed("octo/cellar", 2)
    narrow = await client.key("operator", "repo:octo/garden")
    assert (await narrow.get("/api/deliveries")).status_code == 403
    assert (await narrow.get("/api/deliveries", repository="octo/cellar")).status_code == 403
    listed = await narrow.page("/api/deliveries", repository="octo/garden")
    assert [item["id"] for item in listed] == [ours]
    assert (await narrow.get(f"/api/deliveries/{ours}")).status_code == 200
    assert (await narrow.get(f"/api/deliveries/{theirs}")).status_code == 404
    assert (await narrow.get(f"/api/deliveries/{theirs}/payload")).status_code == 404
    replay = await narrow.call("POST", f"/api/deliveries/{theirs}/replay")
    assert replay.status_code == 404
    assert (await narrow.get("/api/deliveries/rejections")).status_code == 403
    assert (await narrow.get("/api/admin/audit")).status_code == 403


async def test_org_key_reaches_every_repository_of_its_owner(client: Caller) -> None:
    ours = await client.routed("octo/garden")
    theirs = await client.routed("acme/shop", 2)
    wide = await client.key("viewer", "org:octo")
    assert (await wide.get(f"/api/deliveries/{ours}")).status_code == 200
    assert (await wide.get(f"/api/deliveries/{theirs}")).status_code == 404
    assert len(await wide.page("/api/deliveries", repository="octo/garden")) == 1


async def test_foreign_jobs_and_effects_look_missing(client: Caller) -> None:
    made = []
    for repository in ("octo/garden", "octo/cellar", None):
        wanted = {"kind": "agent.task", "repository": repository}
        made.append((await client.call("POST", "/api/jobs", wanted)).json()["job_id"])
    yard = client.yard
    effect = await yard.database.write(
        lambda unit: yard.publisher.request(unit, CommentEffect("octo/cellar", 1, "c", "b"))
    )
    narrow = await client.key("operator", "repo:octo/garden")
    assert (await narrow.get(f"/api/jobs/{made[0]}")).status_code == 200
    for job_id in made[1:]:
        assert (await narrow.get(f"/api/jobs/{job_id}")).status_code == 404
        assert (await narrow.get(f"/api/jobs/{job_id}/log")).status_code == 404
        for verb in ("cancel", "replay"):
            answer = await narrow.call("POST", f"/api/jobs/{job_id}/{verb}")
            assert answer.status_code == 404
    assert (await narrow.get(f"/api/effects/{effect}")).status_code == 404
    assert (await client.get(f"/api/jobs/{made[1]}")).json()["state"] == "queued"
    wanted = {"kind": "agent.task", "repository": "octo/cellar"}
    assert (await narrow.call("POST", "/api/jobs", wanted)).status_code == 403
    assert (await narrow.call("POST", "/api/jobs", {"kind": "agent.task"})).status_code == 403
    for chosen in ({}, {"repository": "octo/cellar"}):
        answer = await narrow.call("POST", "/api/jobs/replay", {"filter": chosen})
        assert answer.status_code == 403


async def test_key_lives_from_creation_to_revocation(client: Caller) -> None:
    wanted = {"name": "ci", "role": "operator", "scope": "repo:Octo/Garden"}
    made = (await client.call("POST", "/api/admin/keys", wanted)).json()
    assert made["token"].startswith("hky_")
    assert made["scope"] == "repo:octo/garden"
    holder = client.with_token(made["token"])
    me = (await holder.get("/api/me")).json()
    held = {"role": "operator", "scope": "repo:octo/garden", "source": None}
    assert me["grants"] == [held]
    assert "jobs.cancel" in me["actions"]
    assert "keys.write" not in me["actions"]
    listed = await client.page("/api/admin/keys")
    assert [key["id"] for key in listed] == [made["id"]]
    assert made["token"] not in str(listed)
    revoked = await client.call("DELETE", f"/api/admin/keys/{made['id']}")
    assert revoked.json()["revoked_at"] is not None
    assert (await holder.get("/api/me")).status_code == 401
    trail = await client.page("/api/admin/audit", target=f"api_key:{made['id']}")
    assert [entry["action"] for entry in trail] == ["keys.revoke", "keys.create"]
    assert made["token"] not in str(trail)


async def test_expired_or_bad_keys_are_not_made(client: Caller) -> None:
    for wrong in (
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
        {"expires_at": "2100-01-01T00:00:00"},
        {"scope": "repo:octo"},
        {"scope": "everything"},
        {"role": "king"},
        {"name": "\u0000"},
        {"name": ""},
        {"more": 1},
    ):
        answer = await client.call(
            "POST", "/api/admin/keys", {"name": "n", "role": "viewer", **wrong}
        )
        assert answer.status_code == 400, wrong
    assert await client.page("/api/admin/keys") == []


async def test_nobody_gives_more_than_they_hold(client: Caller) -> None:
    narrow = await client.key("admin", "org:octo")
    wide = await narrow.call("POST", "/api/admin/keys", {"name": "n", "role": "viewer"})
    assert wide.status_code == 403
    inside = {"name": "n", "role": "viewer", "scope": "repo:octo/garden"}
    assert (await narrow.call("POST", "/api/admin/keys", inside)).status_code == 201


async def test_refusals_of_known_callers_are_audited_once_a_minute(client: Caller) -> None:
    viewer = await client.key("viewer")
    for _ in range(5):
        refused = await viewer.call("POST", "/api/jobs", {"kind": "agent.task"})
        assert refused.status_code == 403
    trail = await client.page("/api/admin/audit", outcome="refused")
    (entry,) = trail
    assert entry["action"] == "jobs.write"
    assert entry["target"] == "POST /api/jobs"
    assert str(entry["actor"]).startswith("api_key:")
    assert entry["reason"]


async def test_what_people_change_is_in_the_trail(client: Caller) -> None:
    delivery_id = await client.routed()
    await client.get(f"/api/deliveries/{delivery_id}/payload")
    await client.call("POST", f"/api/deliveries/{delivery_id}/replay")
    made = await client.call("POST", "/api/jobs", {"kind": "agent.task"})
    job_id = made.json()["job_id"]
    await client.call("POST", f"/api/jobs/{job_id}/cancel")
    await client.call("POST", f"/api/jobs/{job_id}/replay")
    missing = await client.call("POST", f"/api/jobs/{NOWHERE}/cancel")
    assert missing.status_code == 404
    trail = await client.page("/api/admin/audit", actor="admin_key:admin")
    assert [(entry["action"], entry["target"]) for entry in reversed(trail)] == [
        ("deliveries.payload", f"delivery:{delivery_id}"),
        ("deliveries.replay", f"delivery:{delivery_id}"),
        ("jobs.start", f"job:{job_id}"),
        ("jobs.cancel", f"job:{job_id}"),
        ("jobs.replay", f"job:{job_id}"),
    ]


async def test_narrow_key_starts_nothing_that_reaches_further(client: Caller) -> None:
    narrow = await client.key("operator", "repo:octo/garden")
    own = {"kind": "agent.task", "repository": "octo/garden"}
    for more in (
        {},
        {"payload": {"repository": "Octo/Garden"}, "key": "octo/garden#7"},
    ):
        assert (await narrow.call("POST", "/api/jobs", own | more)).status_code == 202
    for more in (
        {"kind": "effect.land", "payload": {"effect_id": NOWHERE}},
        {"kind": "ingress.route", "payload": {"delivery_id": NOWHERE}},
        {"payload": {"repository": "octo/cellar"}},
        {"payload": {"repository": None}},
        {"key": "octo/cellar#1", "policy": "cancel_running"},
        {"key": "octo/gardener#1"},
    ):
        refused = await narrow.call("POST", "/api/jobs", own | more)
        assert refused.status_code == 403, more
    assert len(await client.page("/api/jobs")) == 2

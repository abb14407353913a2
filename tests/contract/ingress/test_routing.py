"""A delivery becomes jobs: the routing job end to end, with the real ledger and publisher."""

from dataclasses import replace

import pytest

from hookyard.adapters.github.port import (
    GitHubError,
    GitHubFailed,
    GitHubLimited,
    GitHubMissing,
    GitHubRefused,
)
from hookyard.core.ingress.model import DeliveryStatus, Event, Unparsable
from hookyard.core.jobs.model import Fail, Hold, JobState, Lane, Retry, WaitingFor
from hookyard.core.repositories.config import (
    CommandsConfig,
    ConfigInvalid,
    IgnoreConfig,
    RepositoryConfig,
)
from hookyard.core.tokens.model import InstallationGone, InstallationSuspended
from hookyard.kit.clock import ManualClock
from hookyard.registry import PROVIDERS_BY_NAME
from hookyard_sandbox import senders_sentry, senders_slack
from tests.contract.ingress.conftest import Bench


async def test_an_opened_issue_becomes_one_job(bench: Bench) -> None:
    receipt = await bench.issue(7)
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert (delivery.status, delivery.reason) == (DeliveryStatus.ROUTED, None)
    assert (delivery.action, delivery.repository) == ("opened", "octo/garden")
    assert delivery.subject == "octo/garden#7"
    [job] = await bench.jobs(kind="criteria.extract")
    assert (job.delivery_id, job.repository) == (delivery.id, "octo/garden")
    assert job.key == "criteria:octo/garden#7"


async def test_a_command_with_the_right_becomes_a_task_and_eyes(bench: Bench) -> None:
    receipt = await bench.comment("/hookyard fix the parser")
    await bench.work()
    [job] = await bench.jobs(kind="agent.task")
    assert job.payload["command"] == "fix"
    assert job.payload["text"] == "the parser"
    assert (job.lane, job.key) == (Lane.HIGH, "agent:octo/garden#1")
    assert [effect.kind for effect in await bench.effects()] == ["reaction"]
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ROUTED


async def test_a_command_without_it_is_refused_answered_and_audited(bench: Bench) -> None:
    bench.hub.have = "read"
    receipt = await bench.comment("/hookyard fix it", login="mallory")
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.IGNORED
    assert delivery.reason == (
        "refused fix: @mallory has read permission; commands here need at least write"
    )
    assert await bench.jobs(kind="agent.task") == []
    assert sorted(effect.kind for effect in await bench.effects()) == ["comment", "reaction"]
    [record] = await bench.trail()
    entry = record.entry
    assert (entry.actor, entry.action) == ("github:mallory", "command.fix")
    assert entry.target == "octo/garden#1"
    assert entry.detail == {"delivery_id": delivery.id}


async def test_what_the_file_in_the_repository_says_holds(bench: Bench) -> None:
    bench.hub.config = RepositoryConfig(
        lanes={"fix": "bulk"}, commands=CommandsConfig(minimum_permission="admin")
    )
    bench.hub.have = "maintain"
    await bench.comment("/hookyard fix it")
    await bench.work()
    assert await bench.jobs(kind="agent.task") == []
    bench.hub.have = "admin"
    await bench.comment("/hookyard fix it")
    await bench.work()
    assert [job.lane for job in await bench.jobs(kind="agent.task")] == [Lane.BULK]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (RepositoryConfig(enabled=False), "enabled: false"),
        (RepositoryConfig(ignore=IgnoreConfig(actors=("mona",))), "ignores mona"),
        (ConfigInvalid(".hookyard.yml", 3, "no such key"), ".hookyard.yml:3: no such key"),
    ],
)
async def test_a_repository_that_does_not_want_it_gets_nothing(
    bench: Bench, config: RepositoryConfig | ConfigInvalid, reason: str
) -> None:
    bench.hub.config = config
    receipt = await bench.issue()
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.IGNORED
    assert reason in (delivery.reason or "")
    assert await bench.jobs(kind="criteria.extract") == []


async def test_a_broken_configuration_is_told_where_the_event_came_from(bench: Bench) -> None:
    bench.hub.config = ConfigInvalid(".hookyard.yml", 3, "no such key")
    await bench.issue(7)
    await bench.work()
    [effect] = await bench.effects()
    assert effect.kind == "comment"
    assert "line 3" in str(effect.desired)


async def test_our_own_echo_is_ignored_without_asking_github(bench: Bench) -> None:
    payload = bench.scene.comment_created(1, 77, "/hookyard fix it", login="hookyard[bot]")
    receipt = await bench.take("github", bench.signed("github", payload, event="issue_comment"))
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.IGNORED
    assert "our own echo" in (delivery.reason or "")
    assert bench.hub.asked == 0
    assert await bench.effects() == []


async def test_another_bot_is_ignored_unless_the_repository_listens(bench: Bench) -> None:
    receipt = await bench.comment("/hookyard fix it", login="renovate[bot]")
    await bench.work()
    assert "is a bot" in ((await bench.delivery(receipt)).reason or "")
    bench.hub.config = RepositoryConfig(ignore=IgnoreConfig(bots=False))
    receipt = await bench.comment("/hookyard fix it", login="renovate[bot]")
    await bench.work()
    assert "commands of bots are not run" in ((await bench.delivery(receipt)).reason or "")
    assert await bench.jobs(kind="agent.task") == []


async def test_an_event_nobody_reacts_to_is_ignored_with_its_name(bench: Bench) -> None:
    push = bench.signed("github", bench.scene.push("a" * 40, "b" * 40, "tidy up"), event="push")
    unknown = bench.signed("github", {"action": "made", "x": 1}, event="sponsorship_of_cats")
    for request, name in ((push, "push"), (unknown, "sponsorship_of_cats.made")):
        receipt = await bench.take("github", request)
        await bench.work()
        delivery = await bench.delivery(receipt)
        assert (delivery.status, delivery.reason) == (
            DeliveryStatus.IGNORED,
            f"nothing here reacts to {name}",
        )


async def test_ping_and_installation_are_the_houses_own(bench: Bench) -> None:
    for event, payload in (
        ("ping", bench.scene.ping()),
        ("installation", bench.scene.installation_created()),
    ):
        receipt = await bench.take("github", bench.signed("github", payload, event=event))
        await bench.work()
        delivery = await bench.delivery(receipt)
        assert delivery.status is DeliveryStatus.ROUTED
        assert delivery.reason is not None


async def test_the_same_signed_body_under_a_fresh_id_does_nothing(bench: Bench) -> None:
    payload = bench.scene.comment_created(1, 77, "/hookyard fix it", login="mona")
    first = await bench.take("github", bench.signed("github", payload, event="issue_comment"))
    await bench.work()
    again = await bench.take("github", bench.signed("github", payload, event="issue_comment"))
    assert not again.duplicate
    await bench.work()
    delivery = await bench.delivery(again)
    assert delivery.status is DeliveryStatus.IGNORED
    assert delivery.reason == f"the same signed body came before, as delivery {first.delivery_id}"
    assert len(await bench.jobs(kind="agent.task")) == 1


async def test_of_equal_bodies_routed_at_once_one_wins(bench: Bench) -> None:
    payload = bench.scene.comment_created(1, 77, "/hookyard fix it", login="mona")
    requests = [bench.signed("github", payload, event="issue_comment") for _ in range(6)]
    receipts = await bench.takes("github", requests)
    assert len({receipt.delivery_id for receipt in receipts}) == 6
    await bench.work()
    found = [(await bench.delivery(receipt)).status for receipt in receipts]
    assert sorted(found) == [DeliveryStatus.IGNORED] * 5 + [DeliveryStatus.ROUTED]
    assert len(await bench.jobs(kind="agent.task")) == 1


async def test_replaying_the_first_of_them_is_not_a_replay_attack(bench: Bench) -> None:
    receipt = await bench.comment("/hookyard fix it")
    await bench.work()
    await bench.database.write(lambda unit: bench.deliveries.replay(unit, receipt.delivery_id))
    await bench.work()
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ROUTED
    assert len(await bench.jobs(kind="agent.task")) == 2


# --- payloads that cannot be read ---


@pytest.mark.parametrize(
    ("event", "body", "code"),
    [
        ("issues", b'{"a": "\xff"}', "not_utf8"),
        ("issues", b"{", "malformed_json"),
        ("issues", b"[1]", "not_an_object"),
        ("issues", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too_deep"),
        ("issues", b'{"action": "opened"}', "event_mismatch"),
    ],
)
async def test_a_poisoned_payload_ends_dead_with_its_reason(
    bench: Bench, event: str, body: bytes, code: str
) -> None:
    receipt = await bench.take("github", bench.signed("github", body, event=event))
    [outcome] = await bench.work()
    assert isinstance(outcome, Fail)
    assert outcome.code.startswith(code)
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.DEAD
    assert (delivery.reason or "").startswith(outcome.code + ": ")
    assert [job.state for job in await bench.jobs()] == [JobState.DEAD]


class Learner:
    """GitHub's provider, which cannot read anything until it is mended."""

    name = "github"

    def __init__(self) -> None:
        self.mended = False

    def parse(self, *args: object) -> Event | Unparsable:
        if not self.mended:
            return Unparsable("unknown_shape", "this version cannot read it")
        return PROVIDERS_BY_NAME["github"].parse(*args)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(PROVIDERS_BY_NAME["github"], name)


async def test_after_a_fix_a_poisoned_delivery_can_be_replayed(bench: Bench) -> None:
    learner = Learner()
    bench.providers["github"] = learner  # type: ignore[assignment]
    receipt = await bench.issue(7)
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert (delivery.status, delivery.reason) == (
        DeliveryStatus.DEAD,
        "unknown_shape: this version cannot read it",
    )
    learner.mended = True
    await bench.database.write(lambda unit: bench.deliveries.replay(unit, receipt.delivery_id))
    await bench.work()
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ROUTED
    assert len(await bench.jobs(kind="criteria.extract")) == 1


async def test_hostile_types_in_a_signed_payload_are_survived(bench: Bench) -> None:
    payload = bench.scene.issue_opened(7, "t", "b")
    repository = {**bench.scene.repository(), "id": [[]], "default_branch": {}, "private": []}
    twisted = {**payload, "repository": repository, "sender": [], "installation": "x"}
    receipt = await bench.take("github", bench.signed("github", twisted, event="issues"))
    [outcome] = await bench.work()
    assert not isinstance(outcome, Retry)
    assert (await bench.delivery(receipt)).status is not DeliveryStatus.ACCEPTED


async def test_a_source_that_is_gone_kills_the_delivery_with_that_reason(bench: Bench) -> None:
    receipt = await bench.issue()
    del bench.sources["github"]
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert delivery.reason == "no_source: source github is not configured"


# --- GitHub in trouble ---


async def test_a_limit_holds_the_job_until_it_ends(bench: Bench, clock: ManualClock) -> None:
    until = clock.now_ms() + 60_000
    bench.hub.trouble = GitHubLimited("secondary", until)
    receipt = await bench.issue()
    assert await bench.work() == [Hold(WaitingFor("limit", "github secondary", until))]
    [job] = await bench.jobs()
    assert (job.state, job.attempt) == (JobState.WAITING, 0)
    assert "github secondary" in bench.ledger.why_waiting(job)
    bench.hub.trouble = None
    clock.advance(61)
    await bench.work()
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ROUTED


async def test_github_down_is_tried_again_and_dies_in_the_end(
    bench: Bench, clock: ManualClock
) -> None:
    bench.hub.trouble = GitHubFailed("GitHub answered 502")
    receipt = await bench.issue()
    outcomes = []
    while not outcomes or isinstance(outcomes[-1], Retry):
        outcomes += await bench.work()
        clock.advance(600)
    assert len(outcomes) == bench.route.kind.max_attempts
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.DEAD
    assert (delivery.reason or "").startswith("github_unavailable: ")
    assert "GitHub answered 502" in (delivery.reason or "")


@pytest.mark.parametrize(
    ("trouble", "code", "word"),
    [
        (InstallationGone(5, "gone", 404, "Not Found"), "no_installation", "gone"),
        (InstallationSuspended(5, "suspended", 403, "x"), "no_installation", "suspended"),
        (GitHubRefused(403, "Resource not accessible"), "github_refused", "not accessible"),
    ],
)
async def test_what_github_refuses_is_dead_at_once_with_the_reason(
    bench: Bench, trouble: GitHubError, code: str, word: str
) -> None:
    bench.hub.trouble = trouble
    receipt = await bench.issue()
    [outcome] = await bench.work()
    assert isinstance(outcome, Fail)
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.DEAD
    assert (delivery.reason or "").startswith(f"{code}: ")
    assert word in (delivery.reason or "")


async def test_a_repository_github_does_not_show_is_ignored(bench: Bench) -> None:
    bench.hub.trouble = GitHubMissing(404, "Not Found")
    receipt = await bench.issue()
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.IGNORED
    assert "GitHub does not show it to us" in (delivery.reason or "")


# --- the other providers ---


async def test_slack_asks_for_work_on_a_repository(bench: Bench) -> None:
    body = senders_slack.slash_command("ask octo/garden#4 is it urgent?", trigger_id="1.2.3")
    receipt = await bench.take("slack", bench.signed("slack", body, form="yes"))
    await bench.work()
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ROUTED
    [job] = await bench.jobs(kind="agent.task")
    assert job.key == "agent:octo/garden#4"
    assert job.repository == "octo/garden"
    assert await bench.effects() == []
    assert bench.hub.asked == 0


async def test_a_stranger_in_slack_is_refused_and_audited(bench: Bench) -> None:
    body = senders_slack.slash_command("ask it", trigger_id="1.2.3", user_id="U666", user_name="m")
    receipt = await bench.take("slack", bench.signed("slack", body, form="yes"))
    await bench.work()
    delivery = await bench.delivery(receipt)
    assert delivery.status is DeliveryStatus.IGNORED
    assert "is not listed under allow of source slack" in (delivery.reason or "")
    assert len(await bench.trail()) == 1


async def test_an_alert_of_sentry_runs_where_alerts_are_allowed(bench: Bench) -> None:
    alert = senders_sentry.event_alert("ValueError")
    receipt = await bench.take("sentry", bench.signed("sentry", alert, event="event_alert"))
    await bench.work()
    assert (await bench.delivery(receipt)).status is DeliveryStatus.ROUTED
    assert [job.lane for job in await bench.jobs(kind="agent.task")] == [Lane.DEFAULT]
    bench.sources["sentry"] = replace(bench.sources["sentry"], allow=("alice",))
    second = senders_sentry.event_alert("KeyError", issue_id="9")
    refused = await bench.take("sentry", bench.signed("sentry", second, event="event_alert"))
    await bench.work()
    assert "does not list `alerts`" in ((await bench.delivery(refused)).reason or "")

"""Messages on their way: ledger, handler, Slack's client, a simulated Slack. Each stands once."""

from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest

from hookyard.adapters.database.port import Database
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.messaging.backends.slack import SlackMessages
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import ClaimRequest, Done, Fail, Hold, Outcome, Retry
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.messages import LandMessage
from hookyard.core.publishing.model import EffectRecord, MessageEffect
from hookyard.core.publishing.service import Publisher
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Invalid, Unavailable
from hookyard.kit.ids import IdMaker
from hookyard.kit.secret import Secret
from hookyard_sandbox.slack.model import Fault
from hookyard_sandbox.slack.sandbox import SlackSandbox

CHANNEL = "C01234567"
PERSON = "U01234567"


class Stage:
    """The whole way of a message, worked one job at a time."""

    def __init__(
        self, database: Database, slack: SlackSandbox, clock: ManualClock, ids: IdMaker
    ) -> None:
        self.database, self.slack, self.clock = database, slack, clock
        host = slack.api_url.removeprefix("http://").partition("/")[0]
        self.outbound = GuardedHttp((host,))
        token = Secret(slack.token)
        self.messages = SlackMessages(slack.api_url, token, self.outbound, clock)
        self.ledger = Ledger(clock, ids, [LandMessage.kind], Random(1), lambda: None)
        self.publisher = Publisher(self.ledger, clock, ids)
        self.handler = LandMessage(self.messages)
        self.outcomes: list[Outcome] = []

    async def want(self, text: str, key: str = "notice-1", target: str = CHANNEL) -> str:
        effect = MessageEffect(target, key, text)
        return await self.database.write(lambda unit: self.publisher.request(unit, effect))

    async def work(self, *, dies: bool = False) -> bool:
        """One attempt of one ready job; its process may die before it records how it ended."""
        request = ClaimRequest("boot/worker", 1, {}, {}, 60.0)
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        if not claimed.jobs:
            return False
        job = claimed.jobs[0]
        try:
            outcome = await self.handler(Run(job, self.database, self.ledger, None))
        except Unavailable as error:
            outcome = Retry(str(error))
        if dies:
            self.clock.advance(61)
            await self.database.write(self.ledger.sweep_expired)
            return True
        self.outcomes.append(outcome)
        await self.database.write(lambda unit: self.ledger.finish(unit, job, outcome))
        return True

    async def settle(self, seconds: int = 0) -> None:
        """Work until nothing is ready, moving on as far as `seconds`."""
        for _ in range(seconds + 1):
            while await self.work():
                pass
            self.clock.advance(1)

    async def effect(self, effect_id: str) -> EffectRecord:
        found = await self.database.read(lambda unit: self.publisher.get(unit, effect_id))
        assert found is not None
        return found


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[SlackSandbox]:
    with SlackSandbox(clock) as running:
        running.create_channel(CHANNEL)
        yield running


@pytest.fixture
async def stage(
    database: Database, slack: SlackSandbox, clock: ManualClock, ids: IdMaker
) -> AsyncIterator[Stage]:
    made = Stage(database, slack, clock, ids)
    yield made
    await made.outbound.close()


async def test_a_message_lands_once_and_is_edited_in_place(stage: Stage) -> None:
    effect_id = await stage.want("hello")
    await stage.settle()
    assert stage.slack.texts(CHANNEL) == ["hello"]
    assert (await stage.effect(effect_id)).state == "landed"
    assert await stage.want("hello") == effect_id
    await stage.want("hello, all")
    await stage.settle()
    assert stage.slack.texts(CHANNEL) == ["hello, all"]
    assert stage.slack.calls == ["chat.postMessage", "chat.update"]


async def test_a_person_is_written_to_in_one_conversation(stage: Stage) -> None:
    await stage.want("a", target=PERSON)
    await stage.want("b", "notice-2", PERSON)
    await stage.settle()
    assert stage.slack.texts(stage.slack.with_person(PERSON).id) == ["a", "b"]


async def test_a_lost_answer_is_looked_for_and_nothing_is_posted_twice(stage: Stage) -> None:
    stage.slack.faults.append(Fault("chat.postMessage", drops=True, applies=True))
    effect_id = await stage.want("hello")
    await stage.settle(60)
    assert stage.slack.texts(CHANNEL) == ["hello"]
    assert (await stage.effect(effect_id)).state == "landed"
    assert stage.slack.calls.count("chat.postMessage") == 1


async def test_a_call_that_never_arrived_is_made_again(stage: Stage) -> None:
    stage.slack.faults.append(Fault("chat.postMessage", drops=True))
    await stage.want("hello")
    await stage.settle(60)
    assert stage.slack.texts(CHANNEL) == ["hello"]
    assert stage.slack.calls.count("chat.postMessage") == 2


async def test_a_worker_that_dies_after_posting_posts_nothing_twice(stage: Stage) -> None:
    await stage.want("hello")
    assert await stage.work(dies=True)
    await stage.settle(60)
    assert stage.slack.texts(CHANNEL) == ["hello"]


async def test_a_look_that_fails_proves_nothing(stage: Stage) -> None:
    stage.slack.faults += [
        Fault("chat.postMessage", drops=True, applies=True),
        Fault("conversations.history", retry_after_s=7),
        Fault("conversations.history", status=503),
    ]
    await stage.want("hello")
    await stage.settle(120)
    assert stage.slack.texts(CHANNEL) == ["hello"]


async def test_where_it_may_not_look_it_may_stand_twice(stage: Stage) -> None:
    stage.slack.scopes.discard("channels:history")
    stage.slack.faults.append(Fault("chat.postMessage", drops=True, applies=True))
    effect_id = await stage.want("hello")
    await stage.settle(60)
    assert stage.slack.texts(CHANNEL) == ["hello", "hello"]
    assert (await stage.effect(effect_id)).state == "landed"


async def test_newer_words_after_a_lost_answer_edit_what_was_found(stage: Stage) -> None:
    stage.slack.faults.append(Fault("chat.postMessage", drops=True, applies=True))
    await stage.want("old")
    await stage.work()
    await stage.want("new")
    await stage.settle(60)
    assert stage.slack.texts(CHANNEL) == ["new"]


async def test_a_rate_limit_holds_until_slack_says(stage: Stage) -> None:
    stage.slack.faults.append(Fault("chat.postMessage", retry_after_s=30))
    await stage.want("a")
    await stage.want("b", "notice-2")
    began = stage.clock.now_ms()
    await stage.settle(5)
    (held,) = [one for one in stage.outcomes if isinstance(one, Hold)]
    assert held.waiting_for.until_ms == began + 30_000
    assert stage.slack.calls == ["chat.postMessage"]
    await stage.settle(40)
    assert stage.slack.texts(CHANNEL) == ["a", "b"]


@pytest.mark.parametrize("error", ["not_in_channel", "invalid_auth", "is_archived"])
async def test_a_refusal_is_the_end_and_says_why(stage: Stage, error: str) -> None:
    stage.slack.faults.append(Fault("chat.postMessage", error=error))
    effect_id = await stage.want("hello")
    await stage.settle(5)
    found = await stage.effect(effect_id)
    assert found.state == "dead"
    assert (found.error or "").startswith(f"{error}: refused: {error}")
    assert isinstance(stage.outcomes[-1], Fail)
    assert stage.slack.token not in str(stage.outcomes)


async def test_trouble_at_slack_is_outlasted(stage: Stage) -> None:
    stage.slack.faults += [
        Fault("chat.postMessage", status=503, times=2),
        Fault("chat.postMessage", error="service_unavailable"),
        Fault("chat.postMessage", error="fatal_error"),
    ]
    await stage.want("hello")
    await stage.settle(200)
    assert stage.slack.texts(CHANNEL) == ["hello"]


async def test_a_message_somebody_deleted_is_posted_anew_when_its_words_change(
    stage: Stage,
) -> None:
    await stage.want("one")
    await stage.settle()
    stage.slack.conversations[CHANNEL].messages.clear()
    await stage.want("two")
    await stage.settle(20)
    assert stage.slack.texts(CHANNEL) == ["two"]
    assert isinstance(stage.outcomes[-1], Done)


@pytest.mark.parametrize(("target", "key"), [("#general", "k"), ("C1", "k"), (CHANNEL, "A B")])
async def test_a_message_that_cannot_be_named_is_refused(
    stage: Stage, target: str, key: str
) -> None:
    with pytest.raises(Invalid):
        await stage.want("x", key, target)

"""Dictionaries on each engine: learnt from what came, followed, retired, and never missed."""

import itertools
from random import Random

from hookyard.core.ingress import store_dictionaries, upkeep
from hookyard.core.ingress.dictionaries import Dictionaries
from hookyard.core.ingress.dictionary import WATCHED, decompress, wanted
from hookyard.core.ingress.learning import (
    AGAIN_S,
    FIRST_AFTER,
    GRACE_MS,
    LOST_S,
    STALE_MS,
    Follower,
    LearnDictionary,
)
from hookyard.core.ingress.model import Identity, InboundRequest, Receipt
from hookyard.core.ingress.receive import Endpoint
from hookyard.core.jobs.model import Done
from hookyard.kit.errors import Unavailable
from tests.contract.ingress.conftest import Bench
from tests.support.bodies import issue_bodies

LEARN = LearnDictionary.kind.name
HOUR_S = 3_600


SEEDS = itertools.count(1)


def learner(bench: Bench) -> LearnDictionary:
    bench.ledger.kinds.setdefault(LEARN, LearnDictionary.kind)
    return LearnDictionary(Random(next(SEEDS)), bench.database.announce)


async def route_all(bench: Bench) -> None:
    while await bench.work():
        pass


def follower(bench: Bench, accepted: int = 0) -> Follower:
    return Follower(
        bench.database, bench.ledger, bench.receiver.compressor, bench.clock, lambda: accepted
    )


async def take(bench: Bench, body: bytes) -> Receipt:
    """Take a body in as the front door does: it is packed on the way to disk."""
    request = bench.signed("github", body, event="issues")
    endpoint = Endpoint(bench.sources["github"], bench.providers["github"])
    headers = {k.encode(): v.encode("latin-1") for k, v in request.headers.items()}
    inbound = InboundRequest("POST", headers, request.body)
    identity = bench.receiver.examine(endpoint, inbound)
    assert isinstance(identity, Identity)
    return await bench.receiver.accept(bench.receiver.prepare(endpoint, inbound, identity))


async def learn(bench: Bench) -> object:
    outcome = await bench.run(learner(bench))
    assert isinstance(outcome, Done)
    return outcome.result


async def stored(bench: Bench, receipt: Receipt) -> tuple[bytes, int]:
    """The body as it reads, and the dictionary it needs."""
    body = await bench.database.read(lambda unit: bench.deliveries.body(unit, receipt.delivery_id))
    packed = await bench.deliveries.packed(body)
    return decompress(packed, 1 << 20, body.dictionary), wanted(packed)


async def test_a_dictionary_is_learnt_followed_and_used_and_old_bodies_still_open(
    bench: Bench,
) -> None:
    bodies = issue_bodies(120)
    before = [await take(bench, body) for body in bodies]
    await route_all(bench)
    result = await learn(bench)
    assert isinstance(result, dict)
    assert result["status"] == "learnt"
    assert result["saves"] > 0.3
    await follower(bench).look()
    fresh = issue_bodies(3, first=900)
    after = [await take(bench, body) for body in fresh]
    assert [await stored(bench, one) for one in before[:2]] == [(body, 0) for body in bodies[:2]]
    number = bench.receiver.compressor.dictionary
    assert number is not None
    assert [await stored(bench, one) for one in after] == [(body, number) for body in fresh]
    await route_all(bench)
    assert {(await bench.delivery(one)).status for one in (*before, *after)} == {"routed"}


async def test_few_deliveries_teach_nothing(bench: Bench) -> None:
    for body in issue_bodies(5):
        await take(bench, body)
    assert await learn(bench) == {
        "status": "kept", "reason": "5 bodies are too few to learn from",
    }  # fmt: skip
    assert await bench.database.read(store_dictionaries.present) is None


async def test_a_new_place_has_its_first_dictionary_learnt_once(bench: Bench) -> None:
    learner(bench)
    await follower(bench, accepted=FIRST_AFTER - 1).look()
    assert await bench.jobs(kind=LEARN) == []
    eager = follower(bench, accepted=FIRST_AFTER)
    await eager.look()
    await eager.look()
    assert len(await bench.jobs(kind=LEARN)) == 1


async def test_bodies_unlike_those_before_have_one_learnt_again_but_not_all_the_time(
    bench: Bench,
) -> None:
    for body in issue_bodies(120):
        await take(bench, body)
    await route_all(bench)
    await learn(bench)
    compressor, following = bench.receiver.compressor, follower(bench)
    await following.look()
    assert compressor.dictionary is not None

    async def asked_after(bodies: list[bytes]) -> bool:
        """Whether these have it learnt again."""
        for body in bodies:
            compressor(body)
        await following.look()
        return len(await bench.work(learner(bench))) == 1

    like = issue_bodies(WATCHED, first=2_000)
    assert not await asked_after(like)
    assert await asked_after([Random(n).randbytes(3_000) for n in range(WATCHED)])
    assert not await asked_after(like)
    assert not await asked_after([Random(n).randbytes(4_000) for n in range(WATCHED)])
    bench.clock.advance(AGAIN_S + 1)
    assert await asked_after([])


async def test_a_stale_dictionary_is_replaced_or_retired(bench: Bench) -> None:
    for body in issue_bodies(120):
        await take(bench, body)
    await learn(bench)
    first = await bench.database.read(store_dictionaries.present)
    assert first is not None
    assert (await learn(bench))["status"] == "kept"  # type: ignore[index]
    bench.clock.advance(STALE_MS / 1000)
    assert (await learn(bench))["status"] == "learnt"  # type: ignore[index]
    second = await bench.database.read(store_dictionaries.present)
    assert second is not None
    assert second[0] != first[0]


async def test_retired_dictionaries_stay_as_long_as_a_delivery_may_need_them(bench: Bench) -> None:
    for body in issue_bodies(120):
        await take(bench, body)
    await route_all(bench)
    await learn(bench)
    await follower(bench).look()
    needs = await take(bench, issue_bodies(1, first=700)[0])
    number = (await stored(bench, needs))[1]
    await bench.database.write(lambda unit: store_dictionaries.retire(unit, bench.clock.now_ms()))

    async def purged() -> int:
        return await bench.database.write(lambda unit: store_dictionaries.purge(unit, GRACE_MS))

    assert await purged() == 0
    bench.clock.advance(9 * 86_400)
    await route_all(bench)
    purge = upkeep.Purge(bench.ledger, 7, None)
    await bench.run(purge)
    assert await bench.count() == 0
    assert await bench.database.read(lambda unit: store_dictionaries.content(unit, number)) is None


async def test_one_that_cannot_look_puts_the_dictionary_aside_after_a_while(
    bench: Bench,
) -> None:
    for body in issue_bodies(120):
        await take(bench, body)
    await learn(bench)
    one = follower(bench)
    await one.look()
    assert bench.receiver.compressor.dictionary is not None

    async def away(work: object) -> object:
        raise Unavailable("the database is away")

    one._database = type("Away", (), {"read": staticmethod(away)})()  # type: ignore[assignment]
    await one.look()
    assert bench.receiver.compressor.dictionary is not None
    bench.clock.advance(LOST_S + 1)
    await one.look()
    assert bench.receiver.compressor.dictionary is None


async def test_a_dictionary_that_is_gone_is_not_made_up(bench: Bench) -> None:
    assert await bench.database.read(lambda unit: Dictionaries().numbered(unit, 40_000)) is None

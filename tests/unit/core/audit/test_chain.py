"""The chain finds every change, removal, insertion and move, and says where the first one is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.core.audit.chain import GENESIS, Broken, Checkpoint, Head, Link, Verifier, hash_of
from hookyard.core.audit.export import FORMAT, ExportReader, Report
from hookyard.core.audit.signing import AuditKey, trust

KEY = AuditKey([b"k" * 32])
OTHER = AuditKey([b"o" * 32])
TRUSTED = trust(KEY.trusted)
FIELDS = [name for name in Link.__slots__ if name != "hash"]


def chain(length: int, tenant: str = "default") -> list[Link]:
    found: list[Link] = []
    prev = GENESIS
    for seq in range(1, length + 1):
        bare = Link(
            tenant, seq, prev, f"id{seq}", 1_000 + seq, "user:u", "act", f"t:{seq}", "done", "",
            json.dumps({"n": seq}),
        )  # fmt: skip
        link = replace(bare, hash=hash_of(bare))
        prev = link.hash
        found.append(link)
    return found


def head_of(links: Sequence[Link], tenant: str = "default") -> Head:
    return Head(tenant, links[-1].seq, links[-1].hash) if links else Head(tenant)


def verified(
    links: Sequence[Link], head: Head, checkpoints: Sequence[Checkpoint] = ()
) -> Broken | None:
    verifier = Verifier(head, TRUSTED)
    for found in checkpoints:
        verifier.checkpoint(found)
    for link in links:
        verifier.entry(link)
    return verifier.end()


def signed(kind: str, link: Link, key: AuditKey = KEY) -> Checkpoint:
    return key.sign(kind, Head(link.tenant, link.seq, link.hash), 5)  # type: ignore[arg-type]


def test_the_hash_is_what_the_page_says() -> None:
    (link,) = chain(1)
    words = [
        "hookyard.audit.v1", "default", "1", GENESIS, "id1", "1001", "user:u", "act", "t:1",
        "done", "", '{"n": 1}',
    ]  # fmt: skip
    text = "".join(f"{len(word)}:{word}," for word in words)
    assert link.hash == hashlib.sha256(text.encode()).hexdigest()


@given(st.integers(0, 8))
def test_a_chain_as_it_was_written_holds(length: int) -> None:
    links = chain(length)
    seals = [signed("seal", link) for link in links[::3]]
    assert verified(links, head_of(links), seals) is None


@given(st.data(), st.integers(1, 8))
def test_every_changed_field_is_found_where_it_is(data: st.DataObject, length: int) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 1))
    name = data.draw(st.sampled_from(FIELDS))
    old = getattr(links[index], name)
    new = data.draw(
        (st.integers(0, 99) if isinstance(old, int) else st.text(max_size=5)).filter(
            lambda value: value != old
        )
    )
    changed = [*links]
    changed[index] = replace(links[index], **{name: new})
    broken = verified(changed, head_of(links))
    assert broken is not None
    assert broken.seq <= index + 1


@given(st.data(), st.integers(1, 8))
def test_a_changed_entry_with_a_new_hash_is_found_too(data: st.DataObject, length: int) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 1))
    forged = replace(links[index], actor="user:mallory")
    changed = [*links]
    changed[index] = replace(forged, hash=hash_of(forged))
    broken = verified(changed, head_of(links))
    assert broken is not None
    assert broken.seq in (index + 1, index + 2)


@given(st.data(), st.integers(1, 8))
def test_every_removal_is_found_where_it_is(data: st.DataObject, length: int) -> None:
    links = chain(length)
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    broken = verified(links[:start] + links[end:], head_of(links))
    assert broken is not None
    assert broken.seq == start + 1
    assert "missing" in broken.what


@given(st.data(), st.integers(1, 8))
def test_every_insertion_is_found(data: st.DataObject, length: int) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length))
    prev = links[index - 1].hash if index else GENESIS
    bare = replace(links[0], id="mallory", seq=index + 1, prev=prev)
    put_in = replace(bare, hash=hash_of(bare))
    broken = verified([*links[:index], put_in, *links[index:]], head_of(links))
    assert broken is not None
    assert broken.seq <= index + 2


@given(st.permutations(range(6)).filter(lambda order: list(order) != list(range(6))))
def test_every_other_order_is_found(order: Sequence[int]) -> None:
    links = chain(6)
    first = next(n for n, place in enumerate(order) if n != place)
    broken = verified([links[n] for n in order], head_of(links))
    assert broken is not None
    assert broken.seq == first + 1


def test_an_entry_of_another_tenant_does_not_belong() -> None:
    links, foreign = chain(3), chain(3, "other")
    broken = verified([links[0], foreign[1], links[2]], head_of(links))
    assert broken is not None
    assert broken.what == "entry 2 is of another tenant"


def test_a_chain_rewritten_as_a_whole_is_found_by_what_was_signed() -> None:
    links = chain(4)
    seal = signed("seal", links[2])
    forged: list[Link] = []
    prev = GENESIS
    for link in links:
        bare = replace(link, actor="user:nobody", prev=prev)
        forged.append(replace(bare, hash=hash_of(bare)))
        prev = forged[-1].hash
    assert verified(forged, head_of(forged)) is None
    broken = verified(forged, head_of(forged), [seal])
    assert broken == Broken(3, "entry 3 is not the one that was signed")
    cut = verified(links[:2], head_of(links[:2]), [seal])
    assert cut is not None
    assert "ends at 2" in cut.what


@pytest.mark.parametrize(
    "forge",
    [
        lambda seal: replace(seal, hash="f" * 64),
        lambda seal: replace(seal, seq=2),
        lambda seal: replace(seal, kind="purge"),
        lambda seal: replace(seal, at_ms=6),
        lambda seal: replace(seal, tenant="other"),
        lambda seal: replace(seal, signature="00" * 64),
        lambda seal: replace(seal, signature="nonsense"),
        lambda seal: replace(seal, key="nonsense"),
        lambda seal: replace(seal, key=OTHER.public),
        lambda seal: signed("seal", chain(3)[0], OTHER),
    ],
)
def test_a_forged_checkpoint_does_not_count(forge: object) -> None:
    """Attack: sign the removal of what one would rather not be seen."""
    links = chain(3)
    forged = forge(signed("seal", links[0]))  # type: ignore[operator]
    broken = verified(links, head_of(links), [forged])
    assert broken is not None
    assert "does not count" in broken.what


def test_a_purge_signed_by_a_stranger_lets_nothing_go() -> None:
    links = chain(5)
    broken = verified(links[3:], head_of(links), [signed("purge", links[2], OTHER)])
    assert broken is not None
    assert broken.seq == 1


def test_what_a_purge_left_still_holds_wherever_it_stopped() -> None:
    links = chain(6)
    purge = signed("purge", links[2])
    for kept in range(4):
        assert verified(links[kept:], head_of(links), [purge]) is None
    assert verified(links[4:], head_of(links), [purge]) == Broken(4, "entry 4 is missing")
    changed = replace(links[3], prev="f" * 64)
    broken = verified([changed, *links[4:]], head_of(links), [purge])
    assert broken is not None
    assert broken.seq == 4


def test_several_keys_count_while_the_key_is_changed() -> None:
    both = AuditKey([b"o" * 32, b"k" * 32])
    assert (both.public, both.trusted) == (OTHER.public, (OTHER.public, KEY.public))
    judge = trust(both.trusted)
    links = chain(2)
    assert judge(signed("seal", links[0])) == ""
    assert judge(signed("seal", links[1], both)) == ""
    assert "unknown key" in TRUSTED(signed("seal", links[1], both))
    assert trust(())(signed("seal", links[1], both)) == ""
    assert "6b6b" not in repr(KEY)


def export_of(links: Sequence[Link], seals: Sequence[Checkpoint] = ()) -> list[str]:
    head = head_of(links)
    return [
        json.dumps(
            {"record": "head", "format": FORMAT, "tenant": "default", "seq": head.seq,
             "hash": head.hash}
        ),
        *(json.dumps({"record": "checkpoint", **asdict(seal)}) for seal in seals),
        *(json.dumps({"record": "entry", **asdict(link)}) for link in links),
        json.dumps({"record": "end", "entries": len(links)}),
    ]  # fmt: skip


def read(lines: Sequence[str]) -> Report:
    reader = ExportReader(TRUSTED)
    for line in lines:
        reader.feed(line)
    return reader.end()


@given(st.data(), st.integers(1, 6))
def test_an_export_holds_only_as_it_was_written(data: st.DataObject, length: int) -> None:
    links = chain(length)
    lines = export_of(links, [signed("seal", links[0])])
    report = read(lines)
    assert (report.broken, report.entries, report.checkpoints) == (None, length, 1)
    gone = data.draw(st.sampled_from([n for n in range(len(lines)) if n != 1]))
    assert read(lines[:gone] + lines[gone + 1 :]).broken is not None
    cut = data.draw(st.integers(0, len(lines) - 1))
    assert read(lines[:cut]).broken is not None
    twice = data.draw(st.sampled_from([n for n in range(len(lines)) if n != 1]))
    assert read([*lines[: twice + 1], *lines[twice:]]).broken is not None


@given(st.text(max_size=60), st.integers(0, 4))
def test_no_line_makes_the_reader_fail(text: str, at: int) -> None:
    lines = export_of(chain(3))
    assert read([*lines[:at], text, *lines[at + 1 :]]).broken is not None or not text.strip()


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "{}",
        '{"record":"entry"}',
        '{"record":"entry","seq":true}',
        '{"record":"checkpoint","kind":"other"}',
        '{"record":"head"}',
        '{"record":"end","entries":7}',
        '{"record":"entry","x":"' + "y" * 1_100_000 + '"}',
    ],
)
def test_a_line_that_is_none_is_named(line: str) -> None:
    lines = export_of(chain(3))
    report = read([*lines[:2], line, *lines[2:]])
    assert report.broken is not None
    assert report.broken.what.startswith("line 3 cannot be read")
    assert read([line]).broken is not None

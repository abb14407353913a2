"""Zips of strangers: what is sound is streamed, what is not is refused with its reason."""

import io
import struct
import time
import zipfile
from collections.abc import Callable

import pytest

from hookyard.kit.zips import Member, ZipLimits, ZipReader, ZipRefused, is_safe

MIB = 1024 * 1024


def zipped(
    *members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for name, data in members:
            made.writestr(name, data)
    return held.getvalue()


def reader(data: bytes, **limits: int) -> ZipReader:
    return ZipReader(io.BytesIO(data), ZipLimits(**limits))


def whole(data: bytes, **limits: int) -> dict[str, bytes]:
    made = reader(data, **limits)
    return {member.name: b"".join(made.read(member)) for member in made.members()}


def reason(act: Callable[[], object]) -> str:
    with pytest.raises(ZipRefused) as refused:
        act()
    return refused.value.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_streamed(method: int) -> None:
    files = {"a.xml": b"<a/>" * 50_000, "dir/ü.txt": b"", "z": bytes(range(256)) * 999}
    assert whole(zipped(*files.items(), method=method)) == files


def test_members_written_without_sizes_ahead_are_read() -> None:
    held = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            return held.write(data)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a", b"x" * 1000)
    assert whole(held.getvalue()) == {"a": b"x" * 1000}


def test_a_comment_behind_the_end_is_allowed() -> None:
    held = io.BytesIO(zipped(("a", b"1")))
    with zipfile.ZipFile(held, "a") as made:
        made.comment = b"c" * 60_000
    assert whole(held.getvalue()) == {"a": b"1"}


def test_two_members_can_be_read_by_turns() -> None:
    made = reader(zipped(("a", b"a" * 300_000), ("b", b"b" * 300_000), method=zipfile.ZIP_STORED))
    first, second = (made.read(member) for member in made.members())
    pairs = list(zip(first, second, strict=True))
    assert b"".join(a for a, _ in pairs) == b"a" * 300_000
    assert b"".join(b for _, b in pairs) == b"b" * 300_000


@pytest.mark.parametrize(
    "name",
    ["../up", "a/../../up", "/etc/passwd", "\\\\host\\x", "C:\\x", "a\\..\\b", "c:x"],
)
def test_names_that_lead_out_are_refused(name: str) -> None:
    (member,) = reader(zipped((name, b"x"))).members()
    assert member.refused == "unsafe_name"
    assert not is_safe(name)


def test_links_are_refused() -> None:
    link = zipfile.ZipInfo("link")
    link.create_system = 3
    link.external_attr = 0o120777 << 16
    made = reader(zipped((link, b"/etc/passwd")))
    (member,) = made.members()
    assert member.refused == "link"
    assert reason(lambda: list(made.read(member))) == "link"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_all_refused() -> None:
    members = reader(zipped(("a", b"1"), ("./b", b"2"), ("a", b"3"))).members()
    assert [m.refused for m in members] == ["duplicate_member", None, "duplicate_member"]


def test_encrypted_members_and_strange_methods_are_refused() -> None:
    plain = zipped(("a", b"1"))
    at = plain.rindex(b"PK\x01\x02")
    locked = bytearray(plain)
    locked[at + 8] |= 1
    assert reader(bytes(locked)).members()[0].refused == "encrypted"
    packed = zipped(("a", b"1"), method=zipfile.ZIP_LZMA)
    assert reader(packed).members()[0].refused == "unknown_compression"


def test_a_gigabyte_of_zeros_is_refused_at_once() -> None:
    held = io.BytesIO()
    with (
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open("zeros", "w", force_zip64=True) as out,
    ):
        for _ in range(1024):
            out.write(bytes(MIB))
    began = time.process_time()
    assert reason(lambda: whole(held.getvalue())) == "too_large"
    lying = reader(held.getvalue(), member_bytes=2 * 1024 * MIB)
    given = 0

    def read() -> None:
        nonlocal given
        for member in lying.members():
            for chunk in lying.read(member):
                given += len(chunk)

    assert reason(read) == "bomb"
    assert given <= 17 * MIB
    assert time.process_time() - began < 5


def test_a_member_that_says_less_than_it_is_is_a_bomb() -> None:
    data = bytearray(zipped(("a", b"x" * 200_000)))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 10)
    assert reason(lambda: whole(bytes(data))) == "bomb"


def test_the_sum_of_members_is_bounded() -> None:
    data = zipped(*((f"m{n}", b"x" * 1000) for n in range(20)))
    assert reason(lambda: whole(data, total_bytes=9_999)) == "bomb"
    assert len(whole(data, total_bytes=20_000)) == 20


def test_members_that_share_bytes_are_a_bomb() -> None:
    data = bytearray(zipped(("a", b"x" * 1000), ("b", b"y" * 1000)))
    first, second = data.index(b"PK\x01\x02"), data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    assert reason(lambda: reader(bytes(data)).members()) == "bomb"


def test_many_members_are_refused_by_count() -> None:
    data = zipped(*((f"m{n}", b"") for n in range(30)))
    assert reason(lambda: reader(data, members=29).members()) == "too_many_members"


def test_a_changed_byte_is_found() -> None:
    data = bytearray(zipped(("a", b"x" * 50), method=zipfile.ZIP_STORED))
    data[data.index(b"xxx")] = ord("y")
    assert reason(lambda: whole(bytes(data))) == "broken_zip"


@pytest.mark.parametrize("data", [b"", b"PK", b"<html>no</html>", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_zip_is_said_to_be_none(data: bytes) -> None:
    assert reason(lambda: reader(data).members()) in ("not_a_zip", "broken_zip", "too_many_members")


def test_a_cut_or_mangled_zip_never_ends_in_another_error() -> None:
    sound = zipped(("a.xml", b"<a/>" * 500), ("b", b"b" * 900))
    for cut in range(0, len(sound), 3):
        assert _outcome(sound[:cut]) is not None
    for at in range(len(sound)):
        for value in (0, 255):
            changed = bytearray(sound)
            changed[at] = value
            _outcome(bytes(changed))


def _outcome(data: bytes) -> str | None:
    try:
        made = reader(data)
        members: list[Member] = made.members()
        for member in members:
            list(made.read(member))
    except ZipRefused as refused:
        return refused.reason
    return None

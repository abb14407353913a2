"""Files of pull requests: real patches, renames, what has no patch, and comparisons."""

import pytest

from hookyard_sandbox.github import difference
from tests.support.sandbox import REPOSITORY, Hub


def pull(hub: Hub, files: dict[str, str | bytes | None]) -> int:
    hub.sandbox.push(REPOSITORY, files, branch="change")
    return hub.sandbox.create_pull(REPOSITORY, "change", "Change").number


async def files(hub: Hub, number: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (await hub.repo("GET", f"/pulls/{number}/files")).json()
    return found


async def test_a_changed_file_has_its_patch(hub: Hub) -> None:
    (one,) = await files(hub, pull(hub, {"src/cart.py": "total = 1"}))
    assert (one["status"], one["additions"], one["deletions"]) == ("modified", 1, 1)
    assert one["patch"] == "@@ -1 +1 @@\n-total = 0\n+total = 1\n\\ No newline at end of file"


async def test_files_are_added_removed_and_renamed(hub: Hub) -> None:
    changed = {"src/cart.py": None, "src/basket.py": "total = 0\n", "README.md": None, "new": "a\n"}
    found = await files(hub, pull(hub, changed))
    assert [(f["filename"], f["status"], f.get("previous_filename")) for f in found] == [
        ("README.md", "removed", None),
        ("new", "added", None),
        ("src/basket.py", "renamed", "src/cart.py"),
    ]
    assert "patch" not in found[2]


async def test_large_and_binary_files_have_no_patch(hub: Hub) -> None:
    lines = "x\n" * (difference.MAX_PATCH_LINES + 1)
    large, binary = await files(hub, pull(hub, {"large": lines, "logo": b"\x00"}))
    assert "patch" not in large
    assert large["additions"] == difference.MAX_PATCH_LINES + 1
    assert "patch" not in binary
    assert binary["changes"] == 0


async def test_what_the_base_got_meanwhile_is_not_in_the_files(hub: Hub) -> None:
    number = pull(hub, {"src/cart.py": "total = 1\n"})
    hub.sandbox.push(REPOSITORY, {"other": "x\n"})
    assert [f["filename"] for f in await files(hub, number)] == ["src/cart.py"]


async def test_a_comparison_names_the_commit_both_come_from(hub: Hub) -> None:
    it = hub.sandbox.repository(REPOSITORY)
    start = it.branches["main"]
    pull(hub, {"src/cart.py": "total = 1\n"})
    hub.sandbox.push(REPOSITORY, {"other": "x\n"})
    shown = (await hub.repo("GET", "/compare/main...change")).json()
    assert shown["merge_base_commit"]["sha"] == start
    assert [f["filename"] for f in shown["files"]] == ["src/cart.py"]


@pytest.mark.parametrize("what", ["main", "main...nowhere", "nowhere...main"])
async def test_what_cannot_be_compared_is_not_found(hub: Hub, what: str) -> None:
    assert (await hub.repo("GET", f"/compare/{what}")).status_code == 404

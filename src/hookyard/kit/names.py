"""What owners, repositories, commits and issues on GitHub are called: patterns without anchors."""

import re

OWNER = r"[A-Za-z0-9_-]{1,64}"
NAME = r"[A-Za-z0-9._-]{1,100}"
REPOSITORY = f"{OWNER}/{NAME}"
MAX_NUMBER = 2**31 - 1
"""The largest number of an issue or pull request that is taken: what an integer column holds."""

_REPOSITORY = re.compile(rf"{OWNER}/(?!\.{{1,2}}\Z){NAME}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_repository(text: str) -> bool:
    """Whether a text can be an "owner/name" of GitHub."""
    return _REPOSITORY.fullmatch(text) is not None


def is_sha(text: str) -> bool:
    """Whether a text is a full commit id, in lower case."""
    return _SHA.fullmatch(text) is not None

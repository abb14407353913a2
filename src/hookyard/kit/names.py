"""What strangers name: repositories, commits, issues and pull requests."""

import re

MAX_NUMBER = 2_147_483_647
"""The largest number of an issue or pull request that is taken: what an integer column holds."""

_REPOSITORY = re.compile(r"[A-Za-z0-9_-]{1,64}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_repository(text: str) -> bool:
    """Whether a text can be an "owner/name" of GitHub."""
    return _REPOSITORY.fullmatch(text) is not None


def is_sha(text: str) -> bool:
    """Whether a text is a full commit id, in lower case."""
    return _SHA.fullmatch(text) is not None

"""What owners, repositories and issues on GitHub are called: patterns without anchors, bounds."""

OWNER = r"[A-Za-z0-9_-]{1,64}"
NAME = r"[A-Za-z0-9._-]{1,100}"
REPOSITORY = f"{OWNER}/{NAME}"
MAX_NUMBER = 2**31 - 1
"""The largest number of an issue or a pull request that is kept."""

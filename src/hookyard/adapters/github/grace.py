"""The time after a mint in which a refusal may only mean that GitHub's replicas lag.

# why: octokit/auth-app.js#65 and #589, akuity/kargo#6630: a token minted a moment ago may answer
# 401, 403 or 404 until every replica knows it.
"""

from collections import OrderedDict

from hookyard.adapters.github.auth import AccessToken

FRESH_MS = 30_000
DELAYS_S = (1.0, 3.0, 10.0)
_REMEMBERED = 4096


class Grace:
    """Knows which fresh tokens have already been seen to work, and where."""

    def __init__(self, fresh_ms: int = FRESH_MS, delays_s: tuple[float, ...] = DELAYS_S) -> None:
        self.delays_s = delays_s
        self._fresh_ms = fresh_ms
        self._proven: OrderedDict[tuple[int, int, str], None] = OrderedDict()

    def is_fresh(self, token: AccessToken, now_ms: int) -> bool:
        """Whether the token is so new that a refusal may be a lagging replica's."""
        return now_ms - token.minted_at_ms < self._fresh_ms

    def is_proven(self, token: AccessToken, repo: str) -> bool:
        """Whether this token has worked on this repository."""
        return (token.installation_id, token.minted_at_ms, repo) in self._proven

    def note(self, token: AccessToken, repo: str) -> None:
        """The token worked on this repository."""
        key = (token.installation_id, token.minted_at_ms, repo)
        self._proven[key] = None
        self._proven.move_to_end(key)
        while len(self._proven) > _REMEMBERED:
            self._proven.popitem(last=False)

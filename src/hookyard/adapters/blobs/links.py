"""Signed links to Hookyard's own front door, for stores that cannot sign their own."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from hookyard.adapters.blobs.port import check_link, is_key
from hookyard.kit.clock import Clock
from hookyard.kit.signing import from_hex, hmac_sha256, same

PATH = "/blobs/"
_PURPOSE = b"hookyard blob link 1"
_INSTANT = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it came: what it names, until when, and what is said to prove it."""

    key: str
    expires: str
    filename: str
    signature: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links. `base` is the public address, "" for a link on the same host."""

    secret: bytes = field(repr=False)
    clock: Clock
    base: str = ""

    def make(self, key: str, expires_s: int, filename: str) -> str:
        """A link that works for so many seconds; ValueError for names it cannot carry."""
        check_link(key, expires_s, filename)
        expires = str(self.clock.now_ms() // 1000 + expires_s)
        signature = self._sign(key, expires, filename).hex()
        query = {"expires": expires, "filename": filename, "signature": signature}
        return f"{self.base}{PATH}{key}?{urlencode(query)}"

    def refusal(self, link: Link) -> str | None:
        """Why a link does not open: `bad_signature` or `expired`; None when it does.

        # why: the signature is looked at first, so that nobody learns from a forged link.
        """
        given = from_hex(link.signature)
        known = self._sign(link.key, link.expires, link.filename)
        if given is None or not same(given, known):
            return "bad_signature"
        if not is_key(link.key) or _INSTANT.fullmatch(link.expires) is None:
            return "bad_signature"
        if int(link.expires) * 1000 <= self.clock.now_ms():
            return "expired"
        return None

    def _sign(self, key: str, expires: str, filename: str) -> bytes:
        """# why: each part is preceded by its length, so that no two links sign the same bytes."""
        parts = [part.encode("utf-8", "replace") for part in (key, expires, filename)]
        return hmac_sha256(self.secret, _PURPOSE, *(b"\n%d:%b" % (len(p), p) for p in parts))

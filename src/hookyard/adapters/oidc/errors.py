"""How an issuer fails us.

OidcError
├── OidcRefused        what the issuer said must not be believed, or it refused; has a code
└── OidcUnavailable    it gave no usable answer; nothing is known against anybody
"""


class OidcError(Exception):
    """An issuer could not be used. `code` is for logs and counters; the message may be told."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class OidcRefused(OidcError):
    """The issuer's word is wrong, or it refused what was asked."""


class OidcUnavailable(OidcError):
    """The issuer gave no usable answer; try again later."""

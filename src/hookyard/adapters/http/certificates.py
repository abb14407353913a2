"""The certificates that outgoing connections trust."""

import functools
import ssl

import httpx2


@functools.cache
def trusted(*, trust_env: bool) -> ssl.SSLContext:
    """The certificates that are trusted, read once in a process: it takes tens of milliseconds."""
    return httpx2.create_ssl_context(trust_env=trust_env)

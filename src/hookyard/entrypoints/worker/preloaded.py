"""What the fork server loads once, so that no child has to: every module of an attempt, and the
certificates that TLS trusts. Only the fork server imports this.
"""

from contextlib import suppress
from importlib import import_module

from hookyard.adapters.http.certificates import trusted

# The last two are what libraries would import at the first use of them.
MODULES = (
    "hookyard.entrypoints.worker.child",
    "hookyard.entrypoints.cli.main",
    "uvloop",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "anyio._backends._asyncio",
    "encodings.idna",
)

for name in MODULES:
    with suppress(ImportError):
        import_module(name)
trusted(trust_env=True)

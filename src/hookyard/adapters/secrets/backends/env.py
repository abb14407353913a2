"""Secrets from the process's surroundings: the environment, `.env` and `hookyard.toml`."""

from collections.abc import Mapping

from hookyard.adapters.secrets.port import MAX_SECRET, SecretDamaged, SecretMissing, SecretValue
from hookyard.kit.clock import Clock


class EnvSource:
    """See `SecretSource`. `found` has texts by the setting's name, as they were at the start.

    There is no previous version: a setting that is a list holds all that are valid.
    """

    label = "env:"

    def __init__(self, found: Mapping[str, str], clock: Clock) -> None:
        self._found = found
        self._clock = clock

    def __repr__(self) -> str:
        return "EnvSource()"

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        text = self._found.get(ref, "").strip()
        if not text or version is not None:
            raise SecretMissing(f"env: has no {ref}")
        value = text.encode("utf-8", "surrogateescape")
        if len(value) > MAX_SECRET:
            raise SecretDamaged(f"env: {ref} is over {MAX_SECRET} bytes")
        return SecretValue(value, "", self._clock.now_ms())

    async def probe(self) -> None:
        """The environment is always there."""

    async def close(self) -> None:
        """Nothing is held open."""

"""What is known of a secret that was read from a source."""

from dataclasses import dataclass, field

from hookyard.kit.secret import Secret


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret as read. `source` gave it; the `failed` ones before it could not be asked.

    `name` is the setting's. `values` has the current one first, and is empty where no source has
    it. `versions` are the source's own words.
    """

    name: str
    source: str
    values: tuple[Secret, ...] = field(default=(), repr=False)
    versions: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    read_at_ms: int = 0

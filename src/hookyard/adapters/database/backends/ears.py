"""Who in this process wants to hear of which channel."""

from collections.abc import Callable


class Ears:
    """Callbacks by channel."""

    def __init__(self) -> None:
        self._by_channel: dict[str, list[Callable[[], None]]] = {}

    def add(self, channel: str, heard: Callable[[], None]) -> None:
        """One more for a channel; a channel is a name of letters, digits and underscores."""
        if not channel.isidentifier():
            raise ValueError(f"not a channel: {channel!r}")
        self._by_channel.setdefault(channel, []).append(heard)

    def tell(self, channel: str) -> None:
        """Call everybody of a channel."""
        for heard in self._by_channel.get(channel, ()):
            heard()

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel somebody listens to."""
        return tuple(self._by_channel)

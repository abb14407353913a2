"""What follows from how a subscriber answered. Pure."""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MOST_WAIT_S = 3_600.0
ASIDE_IN_A_ROW = 3
NOT_PUBLIC = "the address does not lead to a public host"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a change did not arrive. `pauses` means that sending more is no use; `hopeless` that
    sending this one again is none. `after_s` is when the subscriber wants to be asked again."""

    reason: str
    pauses: bool = False
    hopeless: bool = False
    after_s: float | None = None


def judge(status: int, retry_after: str, now_ms: int) -> Failure | None:
    """What an answer means; None when the change arrived.

    # spec: Standard Webhooks, "Deliverability and reliability": 2xx is success, 410 asks for no
    more, 429 and 503 may say when.
    """
    if 200 <= status < 300:
        return None
    if status == 410:
        return Failure("it answered 410: it wants no more", pauses=True)
    after_s = _seconds(retry_after, now_ms) if status in (429, 503) else None
    return Failure(f"it answered {status}", after_s=after_s)


def _seconds(text: str, now_ms: int) -> float | None:
    """# spec: RFC 9110, 10.2.3: Retry-After is seconds or a date."""
    text = text.strip()[:40]
    if text.isascii() and text.isdigit():
        return min(float(text), MOST_WAIT_S)
    try:
        at_ms = parsedate_to_datetime(text).timestamp() * 1000
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, (at_ms - now_ms) / 1000), MOST_WAIT_S)

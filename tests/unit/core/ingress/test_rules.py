"""What to answer when a known delivery comes again."""

import pytest

from hookyard.core.ingress.model import DeliveryStatus
from hookyard.core.ingress.rules import on_redelivery


@pytest.mark.parametrize("status", list(DeliveryStatus))
def test_unfinished_work_goes_through_whatever_its_status(status: DeliveryStatus) -> None:
    decision = on_redelivery(status, revived=2)
    assert not decision.duplicate
    assert "2 unfinished" in decision.reason


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (DeliveryStatus.ACCEPTED, "under way"),
        (DeliveryStatus.ROUTED, "already routed"),
        (DeliveryStatus.IGNORED, "ignored"),
        (DeliveryStatus.DEAD, "nothing left to retry"),
    ],
)
def test_everything_else_is_swallowed_and_says_why(status: DeliveryStatus, word: str) -> None:
    decision = on_redelivery(status, revived=0)
    assert decision.duplicate
    assert word in decision.reason

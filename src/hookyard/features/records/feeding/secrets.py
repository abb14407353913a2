"""The secrets of subscriptions: sealed where they stand, opened to sign."""

from hookyard.core.sealing.model import Place
from hookyard.core.sealing.rules import row_key
from hookyard.features.records.feeding.envelope import key_of
from hookyard.features.records.feeding.model import Subscription
from hookyard.features.records.feeding.ports import Seals
from hookyard.features.records.trouble import wrong
from hookyard.kit.secret import Secret

TABLE = "records_subscriptions"


def place_of(tenant: str, subscription_id: str, column: str = "secret") -> Place:
    """Where the secret of a subscription stands."""
    return Place(tenant, TABLE, column, row_key((tenant, subscription_id)))


def read_secret(text: str) -> Secret:
    """A secret that somebody sent; Invalid without showing it."""
    secret = Secret(text)
    try:
        key_of(secret)
    except ValueError as error:
        raise wrong("/secret", "bad_secret", str(error)) from None
    return secret


async def keys_of(seals: Seals, subscription: Subscription, now_ms: int) -> list[bytes]:
    """What signs for a subscription now: its secret, and the former one while that is valid."""
    s = subscription
    found: list[bytes] = []
    if s.secret is not None:
        place = place_of(s.tenant, s.id)
        found.append(key_of(Secret((await seals.unseal(place, s.secret)).decode())))
    if s.former is not None and (s.former_until_ms or 0) > now_ms:
        place = place_of(s.tenant, s.id, "former")
        found.append(key_of(Secret((await seals.unseal(place, s.former)).decode())))
    return found

"""One issuer as seen from here: its document and its keys, fetched through the guarded client."""

from collections.abc import Iterable

from hookyard.adapters.http.port import Ask, Outbound, OutboundFailed, OutboundRefused
from hookyard.adapters.oidc.discovery import MAX_BYTES, Metadata, address_of, read_metadata
from hookyard.adapters.oidc.errors import OidcError, OidcRefused, OidcUnavailable
from hookyard.adapters.oidc.kept import Kept, Terms
from hookyard.adapters.oidc.keys import pin_jwks
from hookyard.adapters.oidc.port import Keys, Refused
from hookyard.adapters.oidc.segments import strict_object

_TIMEOUT_S = 6.0
_JSON = ("application/json", "application/jwk-set+json")
DISCOVERY_TERMS = Terms(fresh_s=3_600, stale_s=86_400, retry_s=10, early_s=60)


async def fetch(outbound: Outbound, url: str) -> bytes:
    """The body of a small document; OidcUnavailable or OidcRefused when there is none."""
    ask = Ask(url, accept=_JSON, max_bytes=MAX_BYTES, total_s=_TIMEOUT_S)
    try:
        answer = await outbound.send(ask)
    except OutboundRefused as error:
        raise OidcRefused(f"outbound_{error.code}", f"the issuer is not asked: {error}") from None
    except OutboundFailed as error:
        raise OidcUnavailable(error.code, f"the issuer gave no usable answer: {error}") from None
    if answer.status != 200:
        raise OidcUnavailable("status", f"the issuer answered {answer.status}")
    return answer.body


class Provider:
    """An issuer whose document and keys are kept. Implements `KeySource`.

    `jwks_uri` given, the document is not asked for the keys' sake. `algorithms` are all that the
    keys may be used with, whatever the key set says.
    """

    def __init__(
        self,
        issuer: str,
        outbound: Outbound,
        algorithms: Iterable[str],
        *,
        jwks_uri: str | None = None,
        terms: Terms | None = None,
    ) -> None:
        self.issuer = issuer
        self._outbound = outbound
        self._algorithms = frozenset(algorithms)
        self._jwks_uri = jwks_uri
        self._metadata: Kept[Metadata] = Kept(self._fetch_metadata, DISCOVERY_TERMS)
        self._keys: Kept[Keys] = Kept(self._fetch_keys, terms or Terms())

    @property
    def generation(self) -> int:
        """Rises whenever the set of keys changes."""
        return self._keys.generation

    @property
    def trouble(self) -> OidcError | None:
        """What went wrong when it was last asked, until it goes well again."""
        return self._keys.trouble or self._metadata.trouble

    async def metadata(self, now_ms: int) -> Metadata:
        """The issuer's document; OidcError when there is none that may be used."""
        return await self._metadata.get(now_ms)

    async def keys(self, kid: str | None, now_ms: int) -> Keys | Refused:
        """The keys that are good now, read anew when `kid` is unknown, though seldom."""

        def lacks(keys: Keys) -> bool:
            return kid is not None and all(pinned.kid != kid for pinned in keys)

        try:
            return await self._keys.get(now_ms, lacks)
        except OidcError:
            return Refused("keys_unavailable", "the keys of the token's issuer cannot be read now")

    async def _fetch_metadata(self, now_ms: int) -> Metadata:
        return read_metadata(await fetch(self._outbound, address_of(self.issuer)), self.issuer)

    async def _fetch_keys(self, now_ms: int) -> Keys:
        uri = self._jwks_uri or (await self.metadata(now_ms)).jwks_uri
        found = strict_object(await fetch(self._outbound, uri))
        if found is None or not isinstance(found.get("keys"), list):
            raise OidcRefused("bad_jwks", "the issuer's key set is no JSON object with `keys`")
        return pin_jwks(found, self._algorithms)

"""Checks of whose tokens are accepted: what is left open, whether each issuer's keys are read."""

from collections.abc import Iterator, Mapping

from hookyard.adapters.http.port import Outbound
from hookyard.adapters.oidc.port import Refused
from hookyard.adapters.oidc.provider import Provider
from hookyard.bootstrap import key_source, open_outbound, read_issuers
from hookyard.core.identity.issuers import Issuer, WorkloadTerms
from hookyard.entrypoints.cli.doctor.model import Finding, bad, ok, warn
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import Settings

_IDS = frozenset({"repository_id", "repository_owner_id"})


async def issuers(settings: Settings, environ: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Every trusted issuer, with its keys read as the server would read them."""
    try:
        found = read_issuers(settings, environ)
    except ConfigurationError as error:
        return [bad("issuers", str(error), "mend the issuers file or JWT_SECRET")]
    outbound = open_outbound(settings)
    try:
        return [finding for issuer in found for finding in await _issuer(issuer, outbound, clock)]
    finally:
        await outbound.close()


async def _issuer(issuer: Issuer, outbound: Outbound, clock: Clock) -> list[Finding]:
    return [await _keys(issuer, outbound, clock), *left_open(issuer)]


async def _keys(issuer: Issuer, outbound: Outbound, clock: Clock) -> Finding:
    name = f"issuer {issuer.id}"
    source = key_source(issuer, outbound)
    keys = await source.keys(None, clock.now_ms())
    if isinstance(source, Provider) and source.trouble is not None:
        return bad(name, str(source.trouble), "check the issuer's address, or pin its keys")
    if isinstance(keys, Refused) or not keys:
        fix = f"check that the issuer signs with one of {', '.join(sorted(issuer.algorithms))}"
        return bad(name, f"{issuer.issuer} publishes no key that may be used", fix)
    plural = "" if len(keys) == 1 else "s"
    return ok(name, f"{issuer.issuer or 'any issuer'}, {len(keys)} key{plural}")


def left_open(issuer: Issuer) -> Iterator[Finding]:
    """What an issuer's configuration does not pin."""
    name = f"issuer {issuer.id}"
    if issuer.issuer is None:
        yield warn(name, "any iss is accepted with JWT_SECRET", "set JWT_ISSUER")
    if not issuer.audiences:
        yield warn(name, "tokens without aud are accepted, made for whatever", "set JWT_AUDIENCE")
    if isinstance(issuer.terms, WorkloadTerms):
        for rule in issuer.terms.rules:
            if not _IDS & {claim for claim, _ in rule.conditions}:
                yield warn(
                    name,
                    f"rule {rule.name} trusts a name, which others can take once it is given up",
                    "add repository_id or repository_owner_id",
                )

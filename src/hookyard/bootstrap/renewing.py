"""Secrets that were exchanged at their source are put where they are used, without a restart."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import structlog

from hookyard.adapters.messaging.backends.slack import SlackMessages
from hookyard.adapters.secrets.keeper import Keeper
from hookyard.adapters.secrets.port import SecretUnreachable, Signature
from hookyard.bootstrap.yard import Yard
from hookyard.kit.errors import ConfigurationError
from hookyard.settings import Kept

APP_KEY = "HOOKYARD_GITHUB_PRIVATE_KEY"
SLACK_TOKEN = "HOOKYARD_SLACK_BOT_TOKEN"  # noqa: S105
WEBHOOKS = {
    "HOOKYARD_GITHUB_WEBHOOK_SECRET": "github",
    "HOOKYARD_JIRA_WEBHOOK_SECRET": "jira",
    "HOOKYARD_SLACK_SIGNING_SECRET": "slack",
    "HOOKYARD_SENTRY_WEBHOOK_SECRET": "sentry",
}
"""The source whose secrets a setting holds."""

log = structlog.get_logger("hookyard.secrets")


def renew_in_place(yard: Yard, keeper: Keeper) -> None:
    """Have every part of the yard told of what it uses; the rest is told to whoever runs it."""
    live: dict[str, Callable[[Kept], None]] = {
        name: partial(_renew_source, yard, source) for name, source in WEBHOOKS.items()
    }
    if yard.github is not None and yard.settings.github.signer is None:
        live[APP_KEY] = partial(_renew_app_key, yard)
        yard.github.jwt.on_refused = partial(keeper.refresh_once, APP_KEY)
    if yard.noticing.slack is not None:
        live[SLACK_TOKEN] = partial(_renew_slack_token, yard.noticing.slack)
    for name in keeper.names():
        keeper.watch(name, live.get(name, _ask_for_a_restart))


def hide_renewed(keeper: Keeper, hide: Callable[[Iterable[str]], None]) -> None:
    """Have new values kept out of logs before anything else is told of them."""

    def heard(kept: Kept) -> None:
        hide(secret.reveal() for secret in kept.values)

    for name in keeper.names():
        keeper.watch(name, heard, first=True)


def secret_of(source: str) -> str | None:
    """The setting that holds a source's secrets; None for one of the sources file."""
    return next((name for name, found in WEBHOOKS.items() if found == source), None)


def _renew_source(yard: Yard, source_id: str, kept: Kept) -> None:
    source = yard.sources.get(source_id)
    if source is None:
        _ask_for_a_restart(kept)
        return
    values = tuple(secret.reveal().encode() for secret in kept.values)
    yard.use_source(replace(source, secrets=values))
    log.info("secret_renewed", secret=kept.name, source=kept.source, accepted=len(values))


class _NoKey:
    """In the place of a key that was taken away, or that its source did not show for an hour."""

    async def sign(self, signing_input: bytes, /) -> Signature:
        """SecretUnreachable, always."""
        raise SecretUnreachable("the App's key is not to be had at its source")

    async def close(self) -> None:
        """Nothing is held open."""


def _renew_app_key(yard: Yard, kept: Kept) -> None:
    if yard.github is None:
        return
    if not kept.values:
        log.error("secret_gone", secret=kept.name, fix="put the App's key back at its source")
        yard.github.jwt.use_key(_NoKey())
        return
    try:
        yard.github.jwt.use_key(kept.values[0].reveal())
    except ConfigurationError as error:
        log.error("secret_unusable", secret=kept.name, reason=str(error))
    else:
        log.info("secret_renewed", secret=kept.name, source=kept.source, accepted=1)


def _renew_slack_token(slack: SlackMessages, kept: Kept) -> None:
    if not kept.values:
        log.error("secret_gone", secret=kept.name, fix="put the token back at its source")
        return
    slack.use_token(kept.values[0])
    log.info("secret_renewed", secret=kept.name, source=kept.source, accepted=1)


def _ask_for_a_restart(kept: Kept) -> None:
    log.warning("secret_changed", secret=kept.name, fix="restart: it is read at the start only")


class RenewedSources:
    """Webhook secrets read again when a signature was refused."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def may_ask(self, source: str) -> bool:
        """Whether asking is of use now."""
        name = secret_of(source)
        return name is not None and self._keeper.may_ask(name)

    async def ask(self, source: str) -> bool:
        """Whether the source has other secrets now."""
        name = secret_of(source)
        return name is not None and await self._keeper.refresh_once(name)

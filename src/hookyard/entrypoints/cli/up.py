"""`hookyard up`: every role in one process."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hookyard.settings import Settings


@click.command()
@click.option("--host", help="Address to listen on (HOOKYARD_HOST).")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port to listen on; 0 takes a free one (HOOKYARD_PORT).",
)
@click.option("--no-worker", is_flag=True, help="Take in deliveries and serve the API only.")
def up(host: str | None, port: int | None, no_worker: bool) -> None:
    """Run the whole control plane in one process.

    Ends on SIGTERM or Ctrl-C once running work is done (HOOKYARD_DRAIN_SECONDS at most); a
    second one ends it at once.

    \b
    Examples:
      GITHUB_WEBHOOK_SECRET=… hookyard up --port 8080
      hookyard up --host 0.0.0.0 --no-worker
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.worker.process import Plan, run
    from hookyard.entrypoints.worker.roles import EVERY_ROLE, Role

    roles = frozenset({Role.GATEWAY}) if no_worker else EVERY_ROLE
    run(listening(load_settings(), host, port), Plan(roles))


def listening(settings: "Settings", host: str | None, port: int | None) -> "Settings":
    """The settings with the address of the command line, where one was given."""
    http = settings.http
    chosen = replace(
        http,
        host=host if host is not None else http.host,
        port=port if port is not None else http.port,
    )
    return replace(settings, http=chosen)

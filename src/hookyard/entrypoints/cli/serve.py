"""`hookyard serve ROLE…`: some roles in this process, for set-ups of several processes."""

import click

from hookyard.entrypoints.cli.up import listening

ROLES = ("gateway", "worker", "relay", "scheduler", "tokens", "records")


def known(ctx: click.Context, param: click.Parameter, roles: tuple[str, ...]) -> tuple[str, ...]:
    """The roles, when all of them are there; else a line that names those that are."""
    for role in roles:
        if role not in ROLES:
            raise click.UsageError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}.")
    return roles


@click.command()
@click.argument("roles", metavar="ROLE…", nargs=-1, required=True, callback=known)
@click.option("--host", help="Address the gateway listens on (HOOKYARD_HOST).")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port of the gateway; 0 takes a free one (HOOKYARD_PORT).",
)
def serve(roles: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Run some roles: gateway (HTTP), worker (jobs), relay (pointers to a broker), scheduler
    (calendar and sweeps, by one process at a time), tokens (installation tokens over HTTP),
    records (the data API).

    Several processes share one Postgres. SQLite has one writer: there a second process is
    refused, and `hookyard up` runs every role.

    \b
    Examples:
      DATABASE_URL=postgresql://… hookyard serve gateway
      DATABASE_URL=postgresql://… hookyard serve worker scheduler
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.worker.process import Plan, run
    from hookyard.entrypoints.worker.roles import Role

    plan = Plan(frozenset(Role(role) for role in roles))
    run(listening(load_settings(), host, port), plan)

"""`hookyard worker`: jobs only, in every lane or in some, for good or in a burst."""

from dataclasses import replace

import click


@click.command()
@click.option("--lanes", help="Only these, comma-separated, as critical,high (HOOKYARD_LANES).")
@click.option("--burst", is_flag=True, help="Work off what is ready, then leave with 0.")
@click.option(
    "--forked",
    is_flag=True,
    help="A process for each attempt, killed when its time is up (needs Postgres).",
)
@click.option(
    "--memory-mb",
    type=click.IntRange(16, 1_048_576),
    help="With --forked: memory an attempt may take beside the bare process (Linux).",
)
def worker(lanes: str | None, burst: bool, forked: bool, memory_mb: int | None) -> None:
    """Run jobs, and nothing else.

    \b
    Examples:
      hookyard worker --burst
      DATABASE_URL=postgresql://… hookyard worker --lanes critical,high
      DATABASE_URL=postgresql://… hookyard worker --forked --memory-mb 512
    """
    from hookyard.bootstrap.keeping import load_settings
    from hookyard.entrypoints.worker.process import Forking, Plan, run
    from hookyard.entrypoints.worker.roles import Role
    from hookyard.settings import LANES

    if memory_mb is not None and not forked:
        raise click.UsageError("--memory-mb caps a process of its own; add --forked.")
    settings = load_settings()
    if lanes is not None:
        chosen = tuple(word.strip() for word in lanes.split(","))
        if not set(chosen) <= set(LANES):
            raise click.UsageError(f"--lanes must be some of {', '.join(LANES)}, not {lanes!r}")
        settings = replace(settings, worker=replace(settings.worker, lanes=chosen))
    forking = Forking(memory_mb) if forked else None
    run(settings, Plan(frozenset({Role.WORKER}), burst=burst, forking=forking))

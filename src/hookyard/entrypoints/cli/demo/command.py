"""The command: sets up both servers in a temporary folder, plays the scenario, stays up."""

import shutil
import sys
import tempfile
from pathlib import Path

import click

from hookyard.entrypoints.cli.demo import ending
from hookyard.entrypoints.cli.demo.scenario import Scenario
from hookyard.entrypoints.cli.demo.screen import Screen
from hookyard.entrypoints.cli.demo.server import DemoServer
from hookyard_sandbox.github.sandbox import Sandbox


@click.command()
@click.option(
    "--exit", "leave", is_flag=True, help="Leave when every outcome landed (0) or not (1)."
)
@click.option("--port", type=int, default=0, help="Port of the server; 0 takes a free one.")
@click.option(
    "--scaled",
    is_flag=True,
    help="On Postgres and Redis, a process for each role (`make demo-scaled` installs both).",
)
def demo(leave: bool, port: int, scaled: bool) -> None:
    """Show the control plane at work, on simulated parts and embedded storage.

    Starts a simulated GitHub and the real server, sends signed deliveries from GitHub, Slack,
    Jira and Sentry through its front door, kills it with -9 in the middle of a job, and checks
    every outcome where a person would look. Needs no account and no network.

    \b
    Examples:
      hookyard demo           stays up afterwards, until Ctrl-C
      hookyard demo --exit    leaves with 0 when every outcome landed
      hookyard demo --scaled  kills one of two workers instead; the other takes over
    """
    if scaled:
        from hookyard.entrypoints.cli.demo.scaled import run

        sys.exit(0 if run(leave, port) else 1)
    folder = Path(tempfile.mkdtemp(prefix="hookyard-demo-"))
    screen = Screen()
    server = DemoServer(folder, port)
    holder: list[Scenario] = []
    sandbox = Sandbox(deliver=lambda delivery: holder[0].emitted(delivery) if holder else None)
    finished = False
    try:
        sandbox.start()
        app = sandbox.register_app()
        app.app.hook.secret = server.secrets["github"]
        server.configure(sandbox, app)
        scenario = Scenario(server, sandbox, app, screen)
        holder.append(scenario)
        took = server.start()
        screen.info(f"server ready after {took:.1f}s at {server.url}, GitHub at {sandbox.base_url}")
        scenario.play()
        ending.show(scenario, screen, server)
        finished = not screen.failed
        if not leave:
            ending.stay()
    finally:
        server.stop()
        sandbox.stop()
        if finished:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            click.echo(f"\nThe server's log and data are kept in {folder}", err=True)
    if not finished:
        sys.exit(1)

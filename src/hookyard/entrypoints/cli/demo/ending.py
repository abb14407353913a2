"""How the demo ends: the table of outcomes, and the wait for Ctrl-C."""

import signal
import threading

import click

from hookyard.entrypoints.cli.demo.scenario import Scenario
from hookyard.entrypoints.cli.demo.screen import Screen
from hookyard.entrypoints.cli.demo.server import DemoServer


def show(scenario: Scenario, screen: Screen, server: DemoServer) -> None:
    """The table, whether everything landed, and where to look around."""
    screen.table(("what", "delivery", "status", "job", "effect"), scenario.rows())
    click.echo()
    if screen.failed:
        click.secho("Did not land: " + "; ".join(screen.failed), fg="red")
    else:
        click.secho("Every outcome landed, each once.", fg="green")
    click.echo(f"Look around: {server.url}/  API: {server.url}/docs  Admin key: {server.admin_key}")


def stay(line: str = "The server stays up until Ctrl-C.") -> None:
    """Say so, and wait for SIGINT or SIGTERM."""
    click.echo(line)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()

"""`hookyard`: the command, its table of groups, and how failures end it."""

import os
import sys
from collections.abc import Sequence

import click

from hookyard import __version__
from hookyard.entrypoints.cli.group import Entry, LazyGroup
from hookyard.kit.memory import collect_less

_CLI = "hookyard.entrypoints.cli"
_RUN, _LOOK, _OFFLINE = "Run", "Look and act (against a running server)", "Set up and check"

ENTRIES = (
    Entry("up", f"{_CLI}.up:up", "Run everything in one process", _RUN),
    Entry("serve", f"{_CLI}.serve:serve", "Run some roles: gateway, worker, relay…", _RUN),
    Entry("worker", f"{_CLI}.worker:worker", "Run jobs only, or what is ready and leave", _RUN),
    Entry("demo", f"{_CLI}.demo.command:demo", "See it work on simulated parts", _RUN),
    Entry("deliveries", f"{_CLI}.deliveries:deliveries", "What came in; route it again", _LOOK),
    Entry("jobs", f"{_CLI}.jobs:jobs", "Work: list, logs, retry, cancel, pause", _LOOK),
    Entry("effects", f"{_CLI}.effects:effects", "What is written to GitHub", _LOOK),
    Entry("keys", f"{_CLI}.keys:keys", "API keys: create, list, revoke", _LOOK),
    Entry("grants", f"{_CLI}.grants:grants", "Roles of people and programs", _LOOK),
    Entry("access", f"{_CLI}.access:access", "Why somebody may or may not", _LOOK),
    Entry("explain", f"{_CLI}.explain:explain", "Why a check is as it is", _LOOK),
    Entry("audit", f"{_CLI}.audit:audit", "Who did what; verify and export it", _LOOK),
    Entry("records", f"{_CLI}.records:records", "Records: import and export them", _LOOK),
    Entry("tokens", f"{_CLI}.tokens:tokens", "Installation tokens: mint, explain, revoke", _LOOK),
    Entry("usage", f"{_CLI}.usage:usage", "What billing projects used", _LOOK),
    Entry("hooks", f"{_CLI}.hooks.command:hooks", "Send, record and replay deliveries", _LOOK),
    Entry("doctor", f"{_CLI}.doctor.command:doctor", "Every setting, every dependency", _OFFLINE),
    Entry("migrate", f"{_CLI}.migrate:migrate", "Bring the database to this version", _OFFLINE),
    Entry("github", f"{_CLI}.github.command:github", "The GitHub App: set it up", _OFFLINE),
    Entry("entities", f"{_CLI}.entities:entities", "Records: declare and apply them", _OFFLINE),
    Entry("secrets", f"{_CLI}.secrets:secrets", "Where secrets come from; exchange keys", _OFFLINE),
    Entry("config", f"{_CLI}.config:config", "Check and explain a repository's file", _OFFLINE),
    Entry("criteria", f"{_CLI}.criteria:criteria", "Acceptance criteria of a text", _OFFLINE),
    Entry("results", f"{_CLI}.results:results", "Test reports of every dialect", _OFFLINE),
    Entry("manifest", f"{_CLI}.manifest:manifest", "Tests that a diff asks for", _OFFLINE),
    Entry("openapi", f"{_CLI}.openapi:openapi", "Print the API's OpenAPI document", _OFFLINE),
)


class Root(LazyGroup):
    """The commands of Hookyard."""

    entries = ENTRIES


@click.group(
    cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="hookyard")
def cli() -> None:
    """Hookyard: signed webhooks in, durable work, the outcome back on GitHub exactly once.

    \b
    Examples:
      hookyard demo                     see it work, on simulated parts
      GITHUB_WEBHOOK_SECRET=… hookyard up
      hookyard doctor                   what is set, what is missing, how to mend it
      hookyard jobs list --state dead
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command. Exit codes: 0 done, 1 refused or failed, 2 usage."""
    if argv is None:
        collect_less()
    try:
        cli.main(args=list(argv) if argv is not None else None, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(1)
    except BrokenPipeError:
        # why: the reader of our output left (`| head`); the last flush at exit must not say so
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)

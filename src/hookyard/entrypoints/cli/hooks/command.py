"""The commands: `hooks send`, `hooks record`, `hooks replay`."""

import contextlib
import json
from pathlib import Path

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.deliveries import path_of
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option
from hookyard.entrypoints.cli.remote import Remote, connect, with_server
from hookyard.kit.json import Json, JsonObject

PROVIDERS = (
    "github", "jira", "slack", "sentry", "gitlab", "bitbucket", "linear", "pagerduty", "standard",
)  # fmt: skip
secret_option = click.option(
    "--secret",
    "secrets",
    multiple=True,
    help="Secret to sign with, or PROVIDER=SECRET; else the local configuration's.",
)
source_option = click.option("--source", default="", help="Id of the source it is sent to.")
set_option = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a value of a sample's JSON body, as installation.id=42.",
)


@click.group()
def hooks() -> None:
    """Send deliveries signed as their providers sign them; record and replay samples.

    \b
    Examples:
      hookyard hooks send tests/samples/github/issue-opened --secret $SECRET
      hookyard hooks send body.json --provider github --event issues --secret $SECRET
      hookyard hooks record 01kf3v0q8zj4w2m6x5t7r9s1ab samples/github/strange-one
      hookyard hooks replay tests/samples --secret github=$SECRET --secret jira=$OTHER
    """


@hooks.command()
@click.argument("what", metavar="SAMPLE_OR_FILE")
@click.option("--provider", type=click.Choice(PROVIDERS), help="Who sends it (for a file).")
@click.option("--event", default="", help="The event's name in the header (for a file).")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="As mode=oauth.")
@click.option("--delivery-id", help="Instead of a fresh one.")
@secret_option
@source_option
@set_option
@click.option("--url", help="The server (HOOKYARD_URL).  [default: http://127.0.0.1:8080]")
@json_option
def send(
    what: str,
    provider: str | None,
    event: str,
    options: tuple[str, ...],
    delivery_id: str | None,
    secrets: tuple[str, ...],
    source: str,
    changes: tuple[str, ...],
    url: str | None,
    as_json: bool,
) -> None:
    """Send one delivery: a sample folder, or a FILE (`-`: standard input) as the body.

    Ends with 1 when the server does not accept it.

    \b
    Examples:
      hookyard hooks send tests/samples/jira/comment --secret $SECRET
      hookyard hooks send body.json --provider github --event issues --url http://host:8080
    """
    from hookyard.entrypoints.cli.files import read_file
    from hookyard.entrypoints.cli.hooks.samples import load_sample, signed
    from hookyard.entrypoints.cli.hooks.sending import Secrets, moment_now, post
    from hookyard_sandbox.senders import signed_request

    moment = moment_now()
    if Path(what).is_dir():
        sample = load_sample(Path(what))
        secret = Secrets(secrets).of(sample.provider, source or sample.source)
        request = signed(sample, secret, moment, source=source, changes=_pairs(changes))
    elif provider is None:
        raise click.UsageError("--provider is needed to send a file")
    else:
        body = read_file(what)
        more = {name: str(value) for name, value in _pairs(options, plain=True).items()}
        request = signed_request(
            provider,
            body,
            Secrets(secrets).of(provider, source),
            event=event,
            delivery_id=delivery_id or moment.delivery_id,
            now_ms=moment.now_ms,
            **{**more, **({"source": source} if source else {})},
        )
    with contextlib.closing(connect(url, None)) as remote:
        status, answer = post(remote, request)
    if as_json:
        screen.as_json({"http": status, "answer": answer})
    else:
        click.echo(f"{status} {screen.harmless(screen.plain(answer))}".rstrip())
    if status >= 300:
        raise Failed(f"{remote.url} did not accept it")


@hooks.command()
@click.argument("delivery_id", metavar="ID")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--replace", is_flag=True, help="Write over a sample that is there.")
@with_server
def record(remote: Remote, delivery_id: str, folder: Path, *, replace: bool) -> None:
    """Write a delivery of a server to DIR as a sample, secrets and e-mail addresses taken out.

    Look through it before you share it: names and texts of people stay.

    \b
    Example:
      hookyard hooks record 01kf3v0q8zj4w2m6x5t7r9s1ab samples/github/strange-one
    """
    from hookyard.entrypoints.cli.hooks.recording import record as write

    delivery = remote.get(path_of(delivery_id))
    body = remote.send("GET", f"{path_of(delivery_id)}/payload").content
    write(delivery, body, folder, replace=replace)
    click.echo(f"{folder} holds the sample; look through it before you share it")


@hooks.command()
@click.argument(
    "folders",
    metavar="DIR…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
)
@click.option("--offline", is_flag=True, help="Verify, parse and find commands here; send nothing.")
@click.option("--wait", "wait_s", type=float, default=30.0, show_default=True, help="Seconds.")
@secret_option
@source_option
@set_option
@json_option
@with_server
def replay(
    remote: Remote,
    folders: tuple[Path, ...],
    *,
    offline: bool,
    wait_s: float,
    secrets: tuple[str, ...],
    source: str,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Send the samples in and below DIR and compare what becomes of them with expected.json.

    Ends with 1 when any differs. How a delivery is routed depends on the server: its sources,
    its GitHub App, the rights of the people in the sample.

    \b
    Examples:
      hookyard hooks replay tests/samples/github --secret $SECRET
      hookyard hooks replay tests/samples --offline
    """
    from hookyard.entrypoints.cli.hooks.replaying import replay_offline, replay_one
    from hookyard.entrypoints.cli.hooks.samples import find_samples, load_sample
    from hookyard.entrypoints.cli.hooks.sending import Secrets

    keys, pairs = Secrets(secrets), _pairs(changes)
    results: list[JsonObject] = []
    for folder in find_samples(folders):
        sample = load_sample(folder)
        if offline:
            result = replay_offline(sample, pairs)
        else:
            secret = keys.of(sample.provider, source or sample.source)
            result = replay_one(remote, sample, secret, source, pairs, wait_s)
        results.append(result)
        if not as_json:
            _show(result)
    wrong = [result for result in results if result["differences"]]
    if as_json:
        screen.as_json({"items": results})
    if wrong:
        raise Failed(f"{len(wrong)} of {len(results)} samples did not end as expected")
    if not as_json:
        click.echo(f"All {len(results)} as expected.")


def _show(result: JsonObject) -> None:
    found = result["differences"]
    assert isinstance(found, list)  # noqa: S101
    mark = click.style("✗", fg="red") if found else click.style("✓", fg="green")
    click.echo(f"{mark} {result['sample']}  {screen.plain(result['ended'])}")
    for line in found:
        click.echo(f"    {screen.harmless(str(line))}")


def _pairs(texts: tuple[str, ...], *, plain: bool = False) -> dict[str, Json]:
    """`NAME=VALUE` options; a value is JSON where it can be read as such, else text."""
    found: dict[str, Json] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"{text!r} must look like NAME=VALUE")
        found[name] = value
        if not plain:
            with contextlib.suppress(ValueError):
                found[name] = json.loads(value)
    return found

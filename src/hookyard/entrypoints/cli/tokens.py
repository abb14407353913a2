"""`hookyard tokens`: installation tokens, and who may have which."""

import click

from hookyard.entrypoints.cli import screen
from hookyard.entrypoints.cli.deliveries import checked_id
from hookyard.entrypoints.cli.files import read_file
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.lists import json_option, paged, show_list
from hookyard.entrypoints.cli.remote import Remote, with_server
from hookyard.entrypoints.cli.screen import Column, text_of, time_of
from hookyard.entrypoints.cli.tokens_scope import permissions_of, seconds_of, target_of
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text


def given(row: JsonObject) -> str:
    """What a mint is for: repositories, and permissions."""
    names = row.get("repositories")
    listed = "every repository" if names is None else ", ".join(map(str, as_list(names)))
    pairs = as_object(row.get("permissions")).items()
    return f"{listed}; " + ", ".join(f"{name}:{access}" for name, access in pairs)


COLUMNS = (
    Column("id", text_of("id")),
    Column("state", text_of("state")),
    Column("account", text_of("account")),
    Column("actor", text_of("actor"), elastic=True),
    Column("rule", text_of("rule")),
    Column("for", given, elastic=True),
    Column("until", time_of("expires_at")),
)
CHANGES = (
    Column("was", text_of("was")),
    Column("would be", text_of("would")),
    Column("times", lambda row: str(row.get("count", ""))),
    Column("actor", text_of("actor"), elastic=True),
    Column("account", text_of("account")),
    Column("why", text_of("reason"), elastic=True),
)
REPOSITORY = click.option(
    "--repository", "repositories", multiple=True, metavar="NAME", help="Only this one; repeat it."
)
PERMISSION = click.option(
    "--permission", "permissions", multiple=True, metavar="NAME:ACCESS",
    help="Only this, as contents:read; repeat it.",
)  # fmt: skip
APP = click.option("--app", default="", help="One of several Apps, by name or id.")


@click.group()
def tokens() -> None:
    """Installation tokens: narrow, cached, recorded.

    \b
    Examples:
      hookyard tokens mint acme --repository shop --permission contents:read
      hookyard tokens explain 4711 --permission contents:write
      hookyard tokens list
      hookyard tokens revoke 01kf3v0q8zj4w2m6x5t7r9s1ab
    """


@tokens.command()
@click.argument("target", metavar="INSTALLATION|ACCOUNT")
@REPOSITORY
@PERMISSION
@click.option("--min-ttl", help="How long it must still live, as 10m (55m at most).")
@click.option("--campaign", default="", help="What it is for; revoke by it later.")
@APP
@json_option
@with_server
def mint(
    remote: Remote,
    target: str,
    *,
    repositories: tuple[str, ...],
    permissions: tuple[str, ...],
    min_ttl: str | None,
    campaign: str,
    app: str,
    as_json: bool,
) -> None:
    """Get a token. It alone goes to standard output, what it is for to standard error.

    \b
    Example:
      GH_TOKEN=$(hookyard tokens mint acme --repository shop --permission contents:read) gh pr list
    """
    wanted = _scope(repositories, permissions, app)
    wanted |= {"campaign": campaign, "min_ttl": seconds_of(min_ttl)}
    kind, name = target_of(target)
    made = remote.post(f"/tokens/{kind}s/{name}", wanted)
    if as_json:
        screen.as_json(made)
        return
    how = "cached" if made.get("cached") else "minted"
    click.echo(
        screen.harmless(
            f"{how} {as_text(made.get('mint_id'))} for {as_text(made.get('account'))}: "
            f"{given(made)}; until {screen.moment(made.get('expires_at'))}"
        ),
        err=True,
    )
    click.echo(as_text(made.get("token")))


@tokens.command()
@click.argument("target", metavar="INSTALLATION|ACCOUNT")
@REPOSITORY
@PERMISSION
@APP
@click.option("--as", "who", metavar="KIND:ID", help="For somebody else, as api_key:01kf….")
@click.option("--name", default="", help="Their name, where the policy goes by names.")
@click.option("--claim", "claims", multiple=True, metavar="NAME=VALUE", help="A claim of theirs.")
@json_option
@with_server
def explain(
    remote: Remote,
    target: str,
    *,
    repositories: tuple[str, ...],
    permissions: tuple[str, ...],
    app: str,
    who: str | None,
    name: str,
    claims: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say whether a token would be given, by which rule, or why not. Nothing is minted; exit code
    1 when it would not.

    \b
    Examples:
      hookyard tokens explain acme --repository shop --permission contents:write
      hookyard tokens explain acme --as workload:ci --claim repository=acme/shop
    """
    wanted = _scope(repositories, permissions, app)
    kind, named = target_of(target)
    wanted[{"installation": "installation_id", "account": "account"}[kind]] = (
        int(named) if kind == "installation" else named
    )
    if who is not None:
        whose, _, actor_id = who.partition(":")
        pairs = dict(claim.partition("=")[::2] for claim in claims)
        wanted["who"] = {"kind": whose, "id": actor_id, "name": name, "claims": pairs}
    found = remote.post("/tokens/explain", wanted)
    if as_json:
        screen.as_json(found)
    else:
        _show_explained(found)
    if found.get("allowed") is not True:
        raise Failed("no token would be given")


def _show_explained(found: JsonObject) -> None:
    allowed = found.get("allowed") is True
    click.echo(screen.harmless(f"{'yes' if allowed else 'no'}: {as_text(found.get('reason'))}"))
    if allowed:
        click.echo(screen.harmless(f"  given: {given(as_object(found.get('scope')))}"))
    for item in as_list(found.get("rules")):
        rule = as_object(item)
        mark = "allows" if rule.get("allowed") is True else as_text(rule.get("condition"))
        line = f"  rule {as_text(rule.get('rule'))}: {mark}: {as_text(rule.get('reason'))}"
        click.echo(screen.harmless(line))
    for name, lack in as_object(found.get("lacking")).items():
        row = as_object(lack)
        click.echo(
            screen.harmless(
                f"  {name}: asked {as_text(row.get('asked'))}, granted "
                f"{as_text(row.get('granted')) or 'nothing'}, the App asks for "
                f"{as_text(row.get('app')) or 'nothing'}"
            )
        )


@tokens.command()
@click.argument("policy", metavar="FILE")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True)
@json_option
@with_server
def simulate(remote: Remote, policy: str, *, days: int, as_json: bool) -> None:
    """Try a mint policy on the requests of the last days: what would be answered otherwise.

    \b
    Example:
      hookyard tokens simulate policy.yml --days 30
    """
    text = read_file(policy).decode("utf-8", "replace")
    found = remote.post("/tokens/simulate", {"policy": text, "days": days})
    if as_json:
        screen.as_json(found)
        return
    screen.table(CHANGES, [as_object(item) for item in as_list(found.get("changes"))])
    left = "" if found.get("complete") is True else " (the newest only)"
    click.echo(f"{found.get('different')} of {found.get('requests')} requests change{left}")


@tokens.command("list")
@click.option("--actor", help="Mints this actor ever got, as api_key:01kf….")
@click.option("--campaign", help="Mints for this campaign.")
@click.option("--installation", type=int, help="Mints of this installation.")
@paged
@with_server
def list_mints(
    remote: Remote,
    *,
    actor: str | None,
    campaign: str | None,
    installation: int | None,
    limit: int,
    every: bool,
    as_json: bool,
) -> None:
    """Mints on record, newest first; no token is shown.

    \b
    Example:
      hookyard tokens list --actor api_key:01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    params = {"actor": actor, "campaign": campaign, "installation_id": installation}
    show_list(remote, "/tokens/mints", params, COLUMNS, limit=limit, every=every, as_json=as_json)


@tokens.command()
@click.argument("ids", metavar="MINT…", nargs=-1)
@click.option("--actor", help="Every living token this actor ever got.")
@click.option("--campaign", help="Every living token of this campaign.")
@json_option
@with_server
def revoke(
    remote: Remote, ids: tuple[str, ...], *, actor: str | None, campaign: str | None, as_json: bool
) -> None:
    """Take tokens back. Exit code 1 when GitHub did not end one of them: nobody is given it any
    more, but whoever has it can use it until it expires.

    \b
    Examples:
      hookyard tokens revoke 01kf3v0q8zj4w2m6x5t7r9s1ab
      hookyard tokens revoke --actor api_key:01kf3v0q8zj4w2m6x5t7r9s1ab
    """
    if sum((bool(ids), actor is not None, campaign is not None)) != 1:
        raise click.UsageError("give mints, --actor or --campaign")
    if ids:
        found = [remote.delete(f"/tokens/{checked_id(mint_id)}") for mint_id in ids]
    else:
        whose: dict[str, Json] = {"actor": actor} if actor else {"campaign": campaign}
        found = [as_object(r) for r in as_list(remote.post("/tokens/revoke", whose).get("items"))]
    if as_json:
        screen.as_json({"items": found})
    for row in () if as_json else found:
        ended = row.get("ended") is True
        said = "is dead" if ended else f"is NOT ended: {as_text(row.get('reason'))}"
        until = "" if ended else f"; it lives until {screen.moment(row.get('expires_at'))}"
        click.echo(screen.harmless(f"{as_text(row.get('mint_id'))} {said}{until}"))
    if not all(row.get("ended") is True for row in found):
        raise Failed("some tokens live on until they expire")


def _scope(
    repositories: tuple[str, ...], permissions: tuple[str, ...], app: str
) -> dict[str, Json]:
    wanted: dict[str, Json] = {"app": app}
    if repositories:
        wanted["repositories"] = list(repositories)
    if permissions:
        wanted["permissions"] = permissions_of(permissions)
    return wanted

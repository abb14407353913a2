"""docs/cli.md and docs/configuration.md name every command and every setting there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from hookyard.entrypoints.cli.main import cli
from hookyard.settings import SETTINGS, Value, layers

DOCS = Path(__file__).parents[4] / "docs"
ROW = re.compile(r"^\| (`HOOKYARD_[^|]+) \| ([^|]*) \| (.+) \|$", re.MULTILINE)


def commands(group: click.Group, path: str = "hookyard") -> Iterator[str]:
    """Every command that does something, as it is called."""
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        if isinstance(found, click.Group):
            yield from commands(found, f"{path} {name}")
        else:
            yield f"{path} {name}"


def test_every_command_is_in_the_page_and_no_other() -> None:
    text = (DOCS / "cli.md").read_text()
    rows = re.findall(r"^\| `(hookyard [a-z-]+(?: [a-z-]+)?)", text, re.MULTILINE)
    assert sorted(rows) == sorted(commands(cli))


def test_every_setting_is_in_the_page_with_its_names_and_default() -> None:
    text = (DOCS / "configuration.md").read_text()
    shown = [
        (tuple(re.findall(r"`(\w+)`", names)), default.strip("` "), _unlinked(about))
        for names, default, about in ROW.findall(text)
    ]
    wanted = [(s.names, _written(s.default), s.help) for s in SETTINGS]
    assert sorted(shown) == sorted(wanted)


def _unlinked(text: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)


def _written(default: Value) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "" if default in (None, ()) else str(default)


def test_the_sources_file_of_the_page_can_be_read() -> None:
    from hookyard.core.ingress.sources import load_sources
    from hookyard.registry import PROVIDERS_BY_NAME

    text = (DOCS / "configuration.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    environ = dict.fromkeys(("SHOP_SECRET_NEW", "SHOP_SECRET_OLD", "JIRA_SECRET"), "x" * 32)
    found = load_sources([], example, environ, PROVIDERS_BY_NAME)
    assert [(source.id, len(source.secrets)) for source in found] == [
        ("shop-github", 2),
        ("jira", 1),
    ]


def test_the_toml_of_the_page_names_settings_that_exist(tmp_path: Path) -> None:
    text = (DOCS / "configuration.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "hookyard.toml").write_text(example)
    found = dict(layers(tmp_path, {}))["hookyard.toml"]
    assert found["HOOKYARD_GITHUB_PRIVATE_KEY_FILE"] == "/etc/hookyard/app.pem"
    assert found["HOOKYARD_PORT"] == "8080"

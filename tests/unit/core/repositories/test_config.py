"""A configuration file holds as a whole or not at all, over the server's defaults."""

import jsonschema_rs
import pytest

from hookyard.core.jobs.model import Lane
from hookyard.core.repositories.config import (
    LANES,
    CommandsConfig,
    ConfigInvalid,
    CriteriaConfig,
    IgnoreConfig,
    RepositoryConfig,
    config_schema,
    effective,
    parse_config,
)

DEFAULTS = RepositoryConfig(
    commands=CommandsConfig(allow=("root",), minimum_permission="maintain"),
    criteria=CriteriaConfig(comment=False),
    lanes={"fix": "high"},
    ignore=IgnoreConfig(actors=("renovate[bot]",), bots=False),
)
FULL = b"""\
version: 1
enabled: false
commands:
  allow: ["@Octocat", hubot]
  minimum_permission: triage
criteria:
  comment: true
lanes:
  Explain: bulk
ignore:
  actors: [dependabot[bot]]
  bots: true
"""


def parsed(raw: bytes) -> RepositoryConfig:
    config = parse_config(raw, ".hookyard.yml", DEFAULTS)
    assert isinstance(config, RepositoryConfig), config
    return config


def test_every_key_is_taken_from_the_file() -> None:
    raw = FULL.replace(b"[dependabot[bot]]", b"['dependabot[bot]']")
    assert parsed(raw) == RepositoryConfig(
        version=1,
        enabled=False,
        commands=CommandsConfig(("octocat", "hubot"), "triage"),
        criteria=CriteriaConfig(comment=True),
        lanes={"fix": "high", "explain": "bulk"},
        ignore=IgnoreConfig(("dependabot[bot]",), bots=True),
    )


@pytest.mark.parametrize("raw", [b"", b"version: 1\n", b"commands: {}\n", b"{}"])
def test_what_is_left_out_comes_from_the_defaults(raw: bytes) -> None:
    assert parsed(raw) == DEFAULTS


def test_empty_list_is_an_answer() -> None:
    config = parsed(b"commands: {allow: []}\nignore: {actors: []}\n")
    assert (config.commands.allow, config.ignore.actors) == ((), ())


def test_one_word_stands_for_a_list_of_one() -> None:
    assert parsed(b"commands: {allow: no}\n").commands.allow == ("no",)


@pytest.mark.parametrize(
    ("raw", "line", "reason"),
    [
        (b"version: 2\n", 1, "version must be 1"),
        (b"version: true\n", 1, "version must be 1"),
        (b"enabled: yes\n", 1, "enabled must be true or false"),
        (b"version: 1\nenable: true\n", 2, "the file has an unknown key 'enable'; known: version"),
        (b"commands:\n  minimum_permission: owner\n", 2, "must be one of read, triage, write"),
        (b"commands:\n  minimum_permission: none\n", 2, "must be one of read"),
        (b"commands:\n  allow:\n    - a\n    - {}\n", 4, "commands.allow must be a list"),
        (b"commands:\n  allow: ['a b']\n", 2, "list of GitHub logins"),
        (b"commands: true\n", 1, "commands must be a mapping"),
        (b"commands:\n", 1, "commands must be a mapping"),
        (b"lanes:\n  fix: fast\n", 2, "lanes.fix must be one of critical, high, default, bulk"),
        (b"lanes:\n  'a b': high\n", 2, "lanes has a key that is not the name of a command"),
        (b"- version: 1\n", 1, "the file must be a mapping"),
        (b"a: &x 1\nb: *x\n", 2, "aliases"),
        (b"enabled: true\nenabled: false\n", 2, "twice"),
        (b"commands: {allow: [" + b"a," * 201 + b"a]}", 1, "at most 200"),
    ],
)
def test_wrong_file_changes_nothing_and_says_where_and_why(
    raw: bytes, line: int, reason: str
) -> None:
    config = parse_config(raw, ".testbot.yml", DEFAULTS)
    assert isinstance(config, ConfigInvalid)
    assert (config.path, config.line) == (".testbot.yml", line)
    assert reason in config.reason
    assert str(config).startswith(f".testbot.yml:{line}: ")


def test_long_key_is_cut_in_the_reason() -> None:
    config = parse_config(b"%b: 1\n" % (b"k" * 500), ".hookyard.yml", DEFAULTS)
    assert isinstance(config, ConfigInvalid)
    assert len(config.reason) < 250


HEAD = RepositoryConfig(
    commands=CommandsConfig(allow=("mallory",), minimum_permission="read"),
    criteria=CriteriaConfig(comment=True),
    lanes={"fix": "critical"},
    ignore=IgnoreConfig(),
)
BROKEN = ConfigInvalid(".hookyard.yml", 3, "no")


def test_branch_of_the_repository_itself_decides_for_itself() -> None:
    assert effective(DEFAULTS, HEAD, is_fork=False) == HEAD
    assert effective(BROKEN, HEAD, is_fork=False) == HEAD


def test_fork_grants_nothing() -> None:
    got = effective(DEFAULTS, HEAD, is_fork=True)
    assert isinstance(got, RepositoryConfig)
    assert got.commands == DEFAULTS.commands
    assert (got.lanes, got.ignore, got.enabled) == (DEFAULTS.lanes, DEFAULTS.ignore, True)
    assert got.criteria == HEAD.criteria


def test_fork_cannot_enable_what_the_base_disabled() -> None:
    off = RepositoryConfig(enabled=False)
    got = effective(off, HEAD, is_fork=True)
    assert isinstance(got, RepositoryConfig)
    assert not got.enabled


@pytest.mark.parametrize("is_fork", [True, False])
def test_broken_head_is_reported_and_never_half_applied(is_fork: bool) -> None:
    assert effective(DEFAULTS, BROKEN, is_fork=is_fork) == BROKEN


def test_fork_of_a_broken_base_waits_for_the_base() -> None:
    assert effective(BROKEN, HEAD, is_fork=True) == BROKEN


def test_lanes_are_those_of_the_jobs() -> None:
    assert tuple(lane.value for lane in Lane) == LANES


def test_published_schema_agrees_with_the_parser() -> None:
    validator = jsonschema_rs.Draft202012Validator(config_schema())
    good: list[object] = [
        {},
        {"version": 1, "enabled": True},
        {"commands": {"allow": ["a", "b[bot]"], "minimum_permission": "admin"}},
        {"lanes": {"fix": "critical"}, "ignore": {"actors": "a", "bots": False}},
    ]
    bad: list[object] = [
        [],
        {"version": 2},
        {"enabled": "yes"},
        {"commands": {"minimum_permission": "none"}},
        {"lanes": {"a b": "high"}},
        {"lanes": {"fix": "fast"}},
        {"other": 1},
    ]
    assert all(validator.is_valid(value) for value in good)
    assert not any(validator.is_valid(value) for value in bad)

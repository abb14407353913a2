"""A repository's configuration: what a file may say, and what holds once it is merged; pure.

`.hookyard.yml` at a commit is checked as a whole: a file that is wrong anywhere is a
`ConfigInvalid` and changes nothing. What it leaves out comes from the server's defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hookyard.core.repositories.rules import PERMISSIONS
from hookyard.core.repositories.shapes import (
    Choice,
    Flag,
    Keys,
    Misshapen,
    Named,
    Version,
    Whole,
    Words,
)
from hookyard.core.repositories.yamltree import Located, Unreadable, read_yaml
from hookyard.kit.json import JsonObject, as_int, as_list, as_object, as_text, dig

PATHS = (".hookyard.yml", ".testbot.yml")
LANES = ("critical", "high", "default", "bulk")
HEALTH_LEVELS = ("error", "warning", "note")
PASS_OR_FAIL = ("pass", "fail")
_LOGIN = r"@?[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?"
# spec: what actions/upload-artifact lets a name have.
_PATTERN = r'[^/\\":<>|?\r\n]{1,100}'
_WORD = r"[A-Za-z][A-Za-z0-9_-]{0,39}"


@dataclass(frozen=True, slots=True)
class CommandsConfig:
    """Who may give commands: `allow` by login, everyone else from `minimum_permission` on."""

    allow: tuple[str, ...] = ()
    minimum_permission: str = "write"


@dataclass(frozen=True, slots=True)
class CriteriaConfig:
    """Whether criteria are shown in a comment, and what the check hookyard/criteria makes of them.

    All but `comment` decide what passes, so on a pull request they are the base branch's.
    """

    comment: bool = True
    check: bool = True
    no_criteria: str = "success"
    no_evidence: str = "failure"
    flaky: str = "pass"
    forks: str = "show"
    unreadable_reports: str = "block"
    merge_group: str = "carry"


@dataclass(frozen=True, slots=True)
class ResultsConfig:
    """Which artifacts of workflow runs have test reports; none: all that look like it."""

    artifacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthConfig:
    """When the check of code health passes: with at most `max_new` new findings of `level` or
    worse. `unknown_baseline` and `missing_report` say whether it passes all the same where no
    report of the base is known, and where a commit has not all the reports of its base."""

    check: bool = True
    max_new: int = 0
    level: str = "warning"
    unknown_baseline: str = "fail"
    missing_report: str = "fail"


@dataclass(frozen=True, slots=True)
class IgnoreConfig:
    """Whose events start nothing: these logins, and every bot when `bots` is true."""

    actors: tuple[str, ...] = ()
    bots: bool = True


@dataclass(frozen=True, slots=True)
class RepositoryConfig:
    """What holds for a repository at a commit. `lanes` maps a command's name to a lane."""

    version: int = 1
    enabled: bool = True
    commands: CommandsConfig = field(default_factory=CommandsConfig)
    criteria: CriteriaConfig = field(default_factory=CriteriaConfig)
    tests: ResultsConfig = field(default_factory=ResultsConfig)
    health: HealthConfig = field(default_factory=HealthConfig)
    lanes: Mapping[str, str] = field(default_factory=dict)
    ignore: IgnoreConfig = field(default_factory=IgnoreConfig)


@dataclass(frozen=True, slots=True)
class ConfigInvalid:
    """A file that cannot be used: where and why. Nothing of it is applied."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


FILE = Keys(
    "Configuration of one repository",
    {
        "version": Version("The format of this file"),
        "enabled": Flag("Whether anything happens in this repository at all"),
        "commands": Keys(
            "Who may give commands in comments",
            {
                "allow": Words("These may, whatever their permission", _LOGIN, "GitHub logins"),
                "minimum_permission": Choice("Everyone else needs at least this", PERMISSIONS[1:]),
            },
        ),
        "criteria": Keys(
            "Acceptance criteria found in issues",
            {
                "comment": Flag("Whether to show them in a comment"),
                "check": Flag("Whether pull requests get the check hookyard/criteria"),
                "no_criteria": Choice(
                    "The check's conclusion where no criteria are linked",
                    ("success", "failure", "action_required"),
                ),
                "no_evidence": Choice(
                    "The check's conclusion where no test names a criterion",
                    ("failure", "action_required"),
                ),
                "flaky": Choice("Whether a flaky pass holds", ("pass", "fail")),
                "forks": Choice(
                    "Whether results of a fork's runs count or are only shown", ("show", "count")
                ),
                "unreadable_reports": Choice(
                    "Whether a test report that cannot be read keeps the check from succeeding",
                    ("block", "allow"),
                ),
                "merge_group": Choice(
                    "What a merge group gets: its pull request's verdict, or one on its own runs",
                    ("carry", "run"),
                ),
            },
        ),
        "tests": Keys(
            "Test reports that CI leaves behind",
            {
                "artifacts": Words(
                    "Names of the artifacts that have them; a star stands for anything",
                    _PATTERN,
                    "names of artifacts",
                ),
            },
        ),
        "health": Keys(
            "The check of what linters found",
            {
                "check": Flag("Whether to show the check hookyard/health"),
                "max_new": Whole("How many new findings pass", 0, 100_000),
                "level": Choice("Only findings of this level or worse count", HEALTH_LEVELS),
                "unknown_baseline": Choice(
                    "Whether findings that may be old pass where no report of the base is known",
                    PASS_OR_FAIL,
                ),
                "missing_report": Choice(
                    "Whether a commit passes that lacks a report its base has", PASS_OR_FAIL
                ),
            },
        ),
        "lanes": Named(
            "Which lane a command's work takes, by the command's name",
            _WORD,
            "the name of a command",
            Choice("How soon work starts", LANES),
        ),
        "ignore": Keys(
            "Whose events start nothing",
            {
                "actors": Words("Logins to ignore", _LOGIN, "GitHub logins"),
                "bots": Flag("Whether to ignore every bot"),
            },
        ),
    },
)


def config_schema() -> JsonObject:
    """The published JSON Schema (2020-12) of a configuration file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Hookyard repository configuration",
        **FILE.schema(),
    }


def parse_config(
    raw: bytes, path: str, defaults: RepositoryConfig
) -> RepositoryConfig | ConfigInvalid:
    """A file's bytes merged over the defaults, or why and where it is wrong."""
    try:
        tree = read_yaml(raw)
        if tree.value is None:
            tree = Located(tree.line, {})
        said = FILE.check(tree, "")
    except (Unreadable, Misshapen) as error:
        return ConfigInvalid(path, error.line, error.reason)
    return _merged(as_object(said), defaults)


def effective(
    base: RepositoryConfig | ConfigInvalid,
    head: RepositoryConfig | ConfigInvalid,
    *,
    is_fork: bool,
) -> RepositoryConfig | ConfigInvalid:
    """What holds for a pull request, given the configuration of its base and of its head.

    From a fork only `criteria.comment` is the head's: whether anything runs, for whom, how soon
    and what passes is decided by the base branch, which the fork's author cannot write to. What
    passes is the base's for every pull request, or each could bring its own easier rules along;
    where the base's file cannot be used, the defaults decide.
    """
    if isinstance(head, ConfigInvalid):
        return head
    if isinstance(base, ConfigInvalid):
        if is_fork:
            return base
        return replace(head, criteria=CriteriaConfig(comment=head.criteria.comment))
    criteria = replace(base.criteria, comment=head.criteria.comment)
    return replace(base if is_fork else head, criteria=criteria)


def _merged(said: JsonObject, defaults: RepositoryConfig) -> RepositoryConfig:
    commands, criteria, ignore = defaults.commands, defaults.criteria, defaults.ignore
    return RepositoryConfig(
        enabled=_flag(said, defaults.enabled, "enabled"),
        commands=CommandsConfig(
            allow=_logins(said, commands.allow, "commands", "allow"),
            minimum_permission=as_text(dig(said, "commands", "minimum_permission"))
            or commands.minimum_permission,
        ),
        criteria=CriteriaConfig(
            comment=_flag(said, criteria.comment, "criteria", "comment"),
            check=_flag(said, criteria.check, "criteria", "check"),
            no_criteria=_word(said, criteria.no_criteria, "criteria", "no_criteria"),
            no_evidence=_word(said, criteria.no_evidence, "criteria", "no_evidence"),
            flaky=_word(said, criteria.flaky, "criteria", "flaky"),
            forks=_word(said, criteria.forks, "criteria", "forks"),
            unreadable_reports=_word(
                said, criteria.unreadable_reports, "criteria", "unreadable_reports"
            ),
            merge_group=_word(said, criteria.merge_group, "criteria", "merge_group"),
        ),
        tests=ResultsConfig(
            artifacts=_words(said, defaults.tests.artifacts, "tests", "artifacts"),
        ),
        health=_health(said, defaults.health),
        lanes={**defaults.lanes, **_lanes(said)},
        ignore=IgnoreConfig(
            actors=_logins(said, ignore.actors, "ignore", "actors"),
            bots=_flag(said, ignore.bots, "ignore", "bots"),
        ),
    )


def _health(said: JsonObject, default: HealthConfig) -> HealthConfig:
    max_new = as_int(dig(said, "health", "max_new"))
    return HealthConfig(
        check=_flag(said, default.check, "health", "check"),
        max_new=default.max_new if max_new is None else max_new,
        level=as_text(dig(said, "health", "level")) or default.level,
        unknown_baseline=as_text(dig(said, "health", "unknown_baseline"))
        or default.unknown_baseline,
        missing_report=as_text(dig(said, "health", "missing_report")) or default.missing_report,
    )


def _flag(said: JsonObject, default: bool, *path: str) -> bool:
    value = dig(said, *path)
    return value if isinstance(value, bool) else default


def _word(said: JsonObject, default: str, *path: str) -> str:
    return as_text(dig(said, *path)) or default


def _words(said: JsonObject, default: tuple[str, ...], *path: str) -> tuple[str, ...]:
    value = dig(said, *path)
    return default if value is None else tuple(as_text(word).lower() for word in as_list(value))


def _logins(said: JsonObject, default: tuple[str, ...], *path: str) -> tuple[str, ...]:
    return tuple(login.removeprefix("@").lower() for login in _words(said, default, *path))


def _lanes(said: JsonObject) -> Mapping[str, str]:
    lanes = as_object(said.get("lanes"))
    return {name.lower(): as_text(lane) for name, lane in lanes.items()}

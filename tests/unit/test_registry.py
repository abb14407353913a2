"""The page of names: unique, complete, and nothing without a handler."""

from pathlib import Path

import pytest

from hookyard import registry
from hookyard.bootstrap import open_yard
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.features.agents.jobs import RunAgent
from hookyard.settings import load_settings
from tests.support.github import private_key

WITH_APP = {
    "GITHUB_APP_ID": "1",
    "HOOKYARD_AGENT_COMMAND": "true",
    "SLACK_BOT_TOKEN": "xoxb-1",
}


def test_every_provider_of_the_contract_is_listed_once() -> None:
    names = [provider.name for provider in registry.PROVIDERS]
    assert sorted(names) == sorted(
        [
            "github",
            "jira",
            "slack",
            "sentry",
            "gitlab",
            "bitbucket",
            "linear",
            "pagerduty",
            "standard",
        ]
    )
    assert len(names) == len(set(names))


def test_kinds_depend_on_what_is_configured() -> None:
    bare = {kind.name for kind in registry.kinds(has_github=False, agent=None)}
    upkeep = {
        "upkeep.purge",
        "upkeep.bury",
        "upkeep.bury_effects",
        "upkeep.sweep_blobs",
        "upkeep.archive_logs",
        "upkeep.silence",
        "upkeep.tokens",
        "upkeep.test_runs",
        "upkeep.code_health",
        "upkeep.learn_dictionary",
        "upkeep.records",
        "upkeep.notifications",
    }
    named = {"ingress.route", "ingress.recover", "notify.digest", "records.send"}
    assert bare == named | upkeep
    whole = [kind.name for kind in registry.kinds(has_github=True, agent=RunAgent.kind_for(5))]
    with_github = {
        "effect.land",
        "criteria.extract",
        "process_workflow_run",
        "repositories.sync",
        "run_code_health_scan",
        "criteria.follow",
        "review.pull_request",
        "review.validate",
        "review.run",
        "review.merge_group",
        "review.command",
        "generate_test_manifest",
    }
    assert bare | with_github | {AGENT_TASK} == set(whole)
    assert len(whole) == len(set(whole))
    slack = registry.kinds(has_github=True, agent=None, has_slack=True)
    assert {kind.name for kind in slack} - set(whole) == {"message.land"}


def test_what_runs_by_the_calendar_has_a_kind() -> None:
    kinds = {kind.name for kind in registry.kinds(has_github=True, agent=None)}
    calendar = registry.cron(has_github=True)
    assert {spec.kind for spec in calendar} <= kinds
    assert len({spec.name for spec in calendar}) == len(calendar)
    assert {spec.kind for spec in registry.cron(has_github=False)} < kinds


def test_reactions_name_known_providers_and_are_told_apart() -> None:
    assert {reaction.provider for reaction in registry.REACTIONS} <= set(registry.PROVIDERS_BY_NAME)
    names = [reaction.name for reaction in registry.REACTIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("environ", [{}, WITH_APP], ids=["bare", "with an app and an agent"])
async def test_every_kind_has_a_handler_and_every_handler_a_kind(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    key = {"GITHUB_PRIVATE_KEY": private_key()} if environ else {}
    given = {"HOOKYARD_DATA_DIR": str(tmp_path), **environ, **key}
    yard = await open_yard(load_settings(given, folder=tmp_path), {})
    try:
        assert set(yard.ledger.kinds) == yard.runner.kinds
        assert ("message.land" in yard.ledger.kinds) == bool(environ)
        assert (AGENT_TASK in yard.ledger.kinds) == bool(environ)
    finally:
        await yard.close()


def test_facts_are_heard_whoever_caused_them_and_requests_of_bots_are_not() -> None:
    hearing = {(r.event, r.name) for r in registry.REACTIONS if r.hears_bots}
    assert {event for event, _ in hearing} == {"pull_request", "workflow_run", "merge_group"}

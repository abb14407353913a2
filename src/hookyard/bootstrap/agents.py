"""The agent command of this server, where one is set."""

import shlex

from hookyard.core.publishing.service import Publisher
from hookyard.features.agents.jobs import HandOver, RunAgent
from hookyard.settings import Settings


def agent_argv(settings: Settings) -> list[str]:
    """The command and its arguments; empty where none is set."""
    return shlex.split(settings.worker.agent_command or "")


def local_agent(settings: Settings, publisher: Publisher, hand_over: HandOver) -> RunAgent | None:
    """What runs the command, each attempt with the variables that `hand_over` says."""
    argv = agent_argv(settings)
    if not argv:
        return None
    return RunAgent(argv, publisher, RunAgent.kind_for(settings.worker.agent_timeout_s), hand_over)

"""Who proposes tests for the gaps of manifests: nobody, a local command, or a model's endpoint."""

import shlex
from collections.abc import Mapping

from hookyard.adapters.http.port import Outbound
from hookyard.features.manifests.exec_provider import ExecProvider
from hookyard.features.manifests.http_provider import HttpProvider
from hookyard.features.manifests.jobs import Asking
from hookyard.features.manifests.proposals import Budget
from hookyard.settings.model import ProposalSettings


def asking_of(given: ProposalSettings, environ: Mapping[str, str], outbound: Outbound) -> Asking:
    """What the settings say; nobody is asked where they say nothing."""
    budget = Budget(seconds=given.seconds)
    if given.command:
        return Asking(ExecProvider(shlex.split(given.command), environ), budget)
    if given.url and given.model:
        return Asking(HttpProvider(outbound, given.url, given.model, given.key), budget)
    return Asking(budget=budget)

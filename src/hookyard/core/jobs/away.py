"""What a job comes to when GitHub could not be read."""

from hookyard.adapters.github.port import GitHubError, GitHubLimited, GitHubRefused
from hookyard.core.jobs.model import Fail, Hold, Outcome, Retry, WaitingFor


def not_read(error: GitHubError) -> Outcome:
    """A limit is waited for, a refusal is final (`github_refused`), anything else is tried again.

    GitHubMissing is a refusal: who takes it for an answer asks before.
    """
    match error:
        case GitHubLimited():
            return Hold(WaitingFor("limit", f"github {error.kind}", error.until_ms))
        case GitHubRefused():
            return Fail(str(error), "github_refused")
        case _:
            return Retry(str(error))

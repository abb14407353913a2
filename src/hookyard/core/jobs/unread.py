"""What follows for a job when GitHub could not be read."""

from hookyard.adapters.github.port import GitHubError, GitHubLimited, GitHubRefused
from hookyard.core.jobs.model import Fail, Hold, Outcome, Retry, WaitingFor


def not_read(error: GitHubError) -> Outcome:
    """A limit holds the job until its instant, a refusal ends it, all else is tried again."""
    match error:
        case GitHubLimited():
            return Hold(WaitingFor("limit", f"github {error.kind}", error.until_ms))
        case GitHubRefused():
            return Fail(str(error), "github_refused")
        case _:
            return Retry(str(error))

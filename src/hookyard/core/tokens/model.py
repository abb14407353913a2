"""Types of installation tokens: what may be asked for, and why none can be had."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hookyard.adapters.github.port import GitHubRefused
from hookyard.kit.errors import Invalid

MAX_REPOSITORIES = 500
MAX_TOKEN_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is narrowed to, normalised so that equal scopes compare equal.

    `repositories` are names without owner, lower case, sorted; None means all of the
    installation's. `permissions` are (name, access) pairs, sorted; None means all granted.
    """

    repositories: tuple[str, ...] | None = None
    permissions: tuple[tuple[str, str], ...] | None = None


WHOLE = Scope()


def scope_of(
    repositories: Iterable[str] | None = None, permissions: Mapping[str, str] | None = None
) -> Scope:
    """A scope from what a caller asked; Invalid when it names too much or nothing.

    # spec: docs.github.com, "Create an installation access token": up to 500 repositories.
    """
    names = None
    if repositories is not None:
        names = tuple(sorted({name.rpartition("/")[2].strip().lower() for name in repositories}))
        if not names or "" in names:
            raise Invalid("name at least one repository, or leave the list out")
        if len(names) > MAX_REPOSITORIES:
            raise Invalid(f"a token can name at most {MAX_REPOSITORIES} repositories")
    if permissions is not None and not permissions:
        raise Invalid("name at least one permission, or leave them out")
    pairs = None if permissions is None else tuple(sorted(permissions.items()))
    return Scope(names, pairs)


class InstallationUnavailable(GitHubRefused):
    """The installation gives no tokens. `reason` is `gone` or `suspended`."""

    def __init__(self, installation_id: int, reason: str, status: int, message: str) -> None:
        self.installation_id = installation_id
        self.reason = reason
        super().__init__(status, message)


class InstallationGone(InstallationUnavailable):
    """The App is not installed there any more, or never was."""


class InstallationSuspended(InstallationUnavailable):
    """The account's owner suspended the installation."""

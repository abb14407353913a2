"""What is known, folded with what a payload says, in whatever order payloads arrive; pure.

Two instants of GitHub's decide what is newer: one for a repository's attributes, one for the
installation it belongs to. A removal stays until something dated after it says otherwise.
"""

from dataclasses import replace

from hookyard.core.repositories.model import (
    Installation,
    InstallationFacts,
    Repository,
    RepositoryFacts,
)


def merge_installation(
    known: Installation | None, facts: InstallationFacts, action: str, now_ms: int
) -> Installation:
    """The installation after an event. Removed is final: a new one gets a new id."""
    if known is not None and known.removed_at_ms is not None:
        return known
    removed_at_ms = now_ms if action == "deleted" else None
    stated_ms = facts.updated_at_ms
    if known is not None and stated_ms is not None and stated_ms < known.updated_at_ms:
        return known if removed_at_ms is None else replace(known, removed_at_ms=removed_at_ms)
    suspended_at_ms = facts.suspended_at_ms
    if action == "suspend" and suspended_at_ms is None:
        suspended_at_ms = stated_ms or now_ms
    before_ms = 0 if known is None else known.updated_at_ms
    return Installation(
        id=facts.id,
        account_login=facts.account_login,
        account_type=facts.account_type,
        app_id=facts.app_id,
        target_type=facts.target_type,
        suspended_at_ms=None if action == "unsuspend" else suspended_at_ms,
        removed_at_ms=removed_at_ms,
        permissions=facts.permissions,
        events=facts.events,
        updated_at_ms=before_ms if stated_ms is None else stated_ms,
    )


def described(
    known: Repository | None, facts: RepositoryFacts, installation_id: int, as_of_ms: int = 0
) -> Repository:
    """The repository with its attributes brought up to date; where it belongs is left alone.

    `as_of_ms` dates short facts, which carry no instant of their own. A repository not known
    before starts in this installation, dated 0, for `member` or `left` to decide.
    """
    if known is None:
        return Repository(
            id=facts.id,
            full_name=facts.full_name,
            installation_id=installation_id,
            private=facts.private is not False,
            default_branch=facts.default_branch or "",
            archived=facts.archived is True,
            removed_at_ms=None,
            updated_at_ms=facts.updated_at_ms or 0,
        )
    dated_ms = as_of_ms if facts.updated_at_ms is None else facts.updated_at_ms
    if dated_ms < known.updated_at_ms:
        return known
    return replace(
        known,
        full_name=facts.full_name,
        private=known.private if facts.private is None else facts.private,
        default_branch=facts.default_branch or known.default_branch,
        archived=known.archived if facts.archived is None else facts.archived,
        updated_at_ms=known.updated_at_ms if facts.updated_at_ms is None else facts.updated_at_ms,
    )


def member(repository: Repository, installation_id: int, as_of_ms: int) -> Repository:
    """GitHub said at this instant that the repository belongs to the installation."""
    if as_of_ms < repository.member_at_ms:
        return repository
    return replace(
        repository,
        installation_id=installation_id,
        removed_at_ms=None,
        member_at_ms=as_of_ms,
    )


def left(repository: Repository, installation_id: int, as_of_ms: int) -> Repository:
    """GitHub said at this instant that the repository left the installation."""
    moved_on = repository.installation_id != installation_id
    if moved_on or as_of_ms < repository.member_at_ms or repository.removed_at_ms is not None:
        return repository
    return replace(repository, removed_at_ms=as_of_ms, member_at_ms=as_of_ms)


def seen(repository: Repository, installation_id: int, dated_ms: int) -> Repository:
    """Some event of the installation carried the repository, dated by its own last change.

    It belonged there at that instant or later. The event itself may be late: it brings back or
    moves a repository only when it is newer than everything known.
    """
    is_there = repository.removed_at_ms is None and repository.installation_id == installation_id
    if dated_ms < repository.member_at_ms + (0 if is_there else 1):
        return repository
    return member(repository, installation_id, dated_ms)


def renamed(before: Repository | None, after: Repository) -> bool:
    """Whether the repository is here under a name that it did not have here before."""
    if after.removed_at_ms is not None:
        return False
    if before is None or before.removed_at_ms is not None:
        return True
    return before.full_name.lower() != after.full_name.lower()

"""What people do by hand on the simulated GitHub."""

from collections.abc import Mapping

from hookyard_sandbox.github import changes, orgchanges, repochanges
from hookyard_sandbox.github.checkacts import CheckActs
from hookyard_sandbox.github.model import (
    Actor,
    Comment,
    Commit,
    Installation,
    Issue,
    Pull,
    Reaction,
    Repository,
    Team,
)
from hookyard_sandbox.github.runacts import RunActs
from hookyard_sandbox.github.state import World

SOMEBODY = "octocat"


class People(RunActs, CheckActs):
    """Acts of people in a world; each takes the world's lock. `by` is a login, made if new."""

    def __init__(self, world: World) -> None:
        self.world = world

    def person(self, login: str) -> Actor:
        """Somebody acting by hand."""
        return Actor(self.world.user(login))

    def repository(self, full_name: str) -> Repository:
        """A repository by name; KeyError when there is none."""
        return self.world.repositories[full_name.lower()]

    def create_repository(
        self,
        full_name: str = "acme/shop",
        *,
        files: Mapping[str, str | bytes] | None = None,
        private: bool = True,
        collaborators: Mapping[str, str] | None = None,
    ) -> Repository:
        """A repository; `collaborators` maps logins to admin, maintain, write, triage, read."""
        with self.world.lock:
            it = self.world.add_repository(full_name, files=files, private=private)
            for login, role in (collaborators or {}).items():
                self.world.user(login)
                it.collaborators[login.lower()] = role
        return it

    def create_issue(
        self,
        repository: str,
        title: str,
        body: str | None = None,
        *,
        labels: tuple[str, ...] = (),
        by: str = SOMEBODY,
    ) -> Issue:
        """Open an issue."""
        it = self.repository(repository)
        with self.world.lock:
            return changes.open_issue(self.world, it, self.person(by), title, body, labels)

    def edit_issue(
        self,
        repository: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        by: str = SOMEBODY,
    ) -> Issue:
        """Edit an issue or pull request."""
        it = self.repository(repository)
        with self.world.lock:
            one = it.issues[number]
            changes.edit_issue(self.world, it, self.person(by), one, title=title, body=body)
        return one

    def link_issue(self, repository: str, pull: int, issue: int) -> None:
        """Link an issue to a pull request by hand, beside its text; GitHub sends no webhook."""
        it = self.repository(repository)
        with self.world.lock:
            found = it.issues[pull].pull
            if found is None:
                raise ValueError("not a pull request")
            found.linked.add(issue)

    def close_issue(self, repository: str, number: int, *, by: str = SOMEBODY) -> Issue:
        """Close an issue or pull request."""
        it = self.repository(repository)
        with self.world.lock:
            one = it.issues[number]
            changes.set_state(self.world, it, self.person(by), one, "closed")
        return one

    def create_comment(
        self, repository: str, number: int, body: str, *, by: str = SOMEBODY
    ) -> Comment:
        """Comment on an issue or pull request."""
        it = self.repository(repository)
        with self.world.lock:
            one = it.issues[number]
            return changes.add_comment(self.world, it, self.person(by), one, body)

    def edit_comment(
        self, repository: str, comment_id: int, body: str, *, by: str = SOMEBODY
    ) -> Comment:
        """Edit a comment; KeyError when there is none of this id."""
        it = self.repository(repository)
        with self.world.lock:
            for one in it.issues.values():
                for comment in one.comments:
                    if comment.id == comment_id:
                        actor = self.person(by)
                        changes.edit_comment(self.world, it, actor, one, comment, body)
                        return comment
        raise KeyError(comment_id)

    def react(self, repository: str, number: int, content: str, *, by: str = SOMEBODY) -> Reaction:
        """React to an issue."""
        it = self.repository(repository)
        with self.world.lock:
            return changes.react(self.world, it, self.person(by), it.issues[number], content)[0]

    def push(
        self,
        repository: str,
        files: Mapping[str, str | bytes | None],
        *,
        branch: str = "main",
        message: str = "change",
        by: str = SOMEBODY,
    ) -> Commit:
        """Push one commit; a new branch starts at the default branch."""
        it = self.repository(repository)
        with self.world.lock:
            return repochanges.push(self.world, it, self.person(by), branch, files, message)

    def create_pull(
        self,
        repository: str,
        head: str,
        title: str,
        body: str | None = None,
        *,
        base: str = "main",
        head_repository: str | None = None,
        by: str = SOMEBODY,
    ) -> Issue:
        """Open a pull request of branch `head`, of a fork when that is named."""
        it = self.repository(repository)
        source = self.repository(head_repository or repository)
        with self.world.lock:
            if source is not it:
                # why: a fork's objects are there in the base, too, under refs/pull/N/head.
                it.commits |= {k: v for k, v in source.commits.items() if k not in it.commits}
                it.blobs |= {k: v for k, v in source.blobs.items() if k not in it.blobs}
            pull = Pull(
                id=self.world.new_id(),
                head_ref=head,
                head_sha=source.branches[head],
                base_ref=base,
                base_sha=it.branches[base],
                head_repository=source.full_name,
            )
            actor = self.person(by)
            return changes.open_issue(self.world, it, actor, title, body, pull=pull)

    def choose_repositories(
        self,
        installation_id: int,
        *,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        by: str = SOMEBODY,
    ) -> None:
        """Choose other repositories for an installation."""
        with self.world.lock:
            repochanges.repositories_changed(
                self.world,
                self.world.installations[installation_id],
                self.person(by),
                [self.repository(name) for name in add],
                [self.repository(name) for name in remove],
            )

    def suspend(self, installation_id: int, *, by: str = SOMEBODY) -> None:
        """Suspend an installation: its tokens answer 403."""
        with self.world.lock:
            found = self.world.installations[installation_id]
            found.suspended_at_ms = self.world.now_ms()
            self._tell(found, by, "suspend")

    def unsuspend(self, installation_id: int, *, by: str = SOMEBODY) -> None:
        """Lift a suspension."""
        with self.world.lock:
            found = self.world.installations[installation_id]
            found.suspended_at_ms = None
            self._tell(found, by, "unsuspend")

    def uninstall(self, installation_id: int, *, by: str = SOMEBODY) -> None:
        """Remove an installation: minting answers 404, its tokens 401."""
        with self.world.lock:
            found = self.world.installations[installation_id]
            found.removed = True
            self._tell(found, by, "deleted")

    def take_permission(self, installation_id: int, name: str, *, by: str = SOMEBODY) -> None:
        """Take a permission away from an installation and from all its tokens."""
        with self.world.lock:
            found = self.world.installations[installation_id]
            found.permissions.pop(name, None)
            self._tell(found, by, "new_permissions_accepted")

    def sign_in_as(self, login: str | None, *, name: str | None = None) -> None:
        """Somebody signs in at the website, in the one browser there is; None signs out."""
        with self.world.lock:
            self.world.browsing = None if login is None else self.world.user(login)
            if self.world.browsing is not None and name is not None:
                self.world.browsing.name = name

    def create_team(
        self, org: str, name: str, *, parent: str | None = None, by: str = SOMEBODY
    ) -> Team:
        """A team of an organisation, inside another one where that is named by its slug."""
        with self.world.lock:
            above = None if parent is None else self.team(org, parent)
            owner = self.world.user(org, "Organization")
            return orgchanges.add_team(self.world, owner, self.person(by), name, above)

    def delete_team(self, org: str, slug: str, *, by: str = SOMEBODY) -> None:
        """Delete a team and its child teams."""
        with self.world.lock:
            orgchanges.remove_team(self.world, self.person(by), self.team(org, slug))

    def join_team(
        self, org: str, slug: str, login: str, *, role: str = "member", by: str = SOMEBODY
    ) -> None:
        """Put somebody into a team."""
        with self.world.lock:
            one, who = self.team(org, slug), self.world.user(login)
            orgchanges.set_membership(self.world, self.person(by), one, who, role)

    def leave_team(self, org: str, slug: str, login: str, *, by: str = SOMEBODY) -> None:
        """Take somebody out of a team."""
        with self.world.lock:
            one, who = self.team(org, slug), self.world.user(login)
            orgchanges.set_membership(self.world, self.person(by), one, who, None)

    def join_org(self, org: str, login: str, *, role: str = "member", by: str = SOMEBODY) -> None:
        """Put somebody into an organisation."""
        self._set_org_member(org, login, role, by)

    def leave_org(self, org: str, login: str, *, by: str = SOMEBODY) -> None:
        """Take somebody out of an organisation and all its teams."""
        self._set_org_member(org, login, None, by)

    def team(self, org: str, slug: str) -> Team:
        """A team by its slug; KeyError when there is none."""
        return self.world.teams[org.lower(), slug.lower()]

    def _set_org_member(self, org: str, login: str, role: str | None, by: str) -> None:
        with self.world.lock:
            owner, who = self.world.user(org, "Organization"), self.world.user(login)
            orgchanges.set_org_member(self.world, self.person(by), owner, who, role)

    def _tell(self, found: Installation, by: str, action: str) -> None:
        repochanges.installation_changed(self.world, found, self.person(by), action)


ACTS = (
    "create_repository",
    "create_issue",
    "edit_issue",
    "close_issue",
    "link_issue",
    "create_comment",
    "edit_comment",
    "react",
    "push",
    "create_pull",
    "rerequest_check",
    "rerequest_suite",
    "press",
    "queue_merge",
    "leave_queue",
    "choose_repositories",
    "suspend",
    "unsuspend",
    "uninstall",
    "take_permission",
    "sign_in_as",
    "create_team",
    "delete_team",
    "join_team",
    "leave_team",
    "join_org",
    "leave_org",
    "start_run",
    "upload_artifact",
    "finish_run",
    "rerun",
    "expire_artifact",
    "run_workflow",
)

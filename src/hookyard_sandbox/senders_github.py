"""Payloads of GitHub events about one repository, consistent with one another.

Built from the documented schemas; the fields that matter to a receiver are all there, the
long tail of URL templates is not.
"""

from dataclasses import dataclass

from hookyard.kit.clock import to_rfc3339
from hookyard.kit.json import JsonObject


@dataclass(frozen=True, slots=True)
class GitHubScene:
    """A repository, its owner and the App installed there; each method is one event's payload.

    Give a simulated GitHub the same names and ids, and the deliveries agree with its API.
    """

    owner: str = "octo"
    name: str = "garden"
    owner_id: int = 583231
    repository_id: int = 1296269
    installation_id: int = 5550001
    app_id: int = 90210
    app_slug: str = "hookyard"
    default_branch: str = "main"
    web_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    now_ms: int = 1_700_000_000_000

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def user(self, login: str, user_id: int = 1001, *, is_bot: bool = False) -> JsonObject:
        """An account as events carry it."""
        return {
            "login": login,
            "id": user_id,
            "node_id": f"U_{user_id}",
            "type": "Bot" if is_bot else "User",
            "html_url": f"{self.web_url}/{login}",
            "url": f"{self.api_url}/users/{login}",
            "site_admin": False,
        }

    def repository(self) -> JsonObject:
        """The repository as events carry it."""
        return {
            "id": self.repository_id,
            "node_id": f"R_{self.repository_id}",
            "name": self.name,
            "full_name": self.full_name,
            "private": False,
            "fork": False,
            "owner": self.user(self.owner, self.owner_id),
            "html_url": f"{self.web_url}/{self.full_name}",
            "url": f"{self.api_url}/repos/{self.full_name}",
            "clone_url": f"{self.web_url}/{self.full_name}.git",
            "default_branch": self.default_branch,
            "archived": False,
            "visibility": "public",
        }

    def ping(self, hook_id: int = 471829305) -> JsonObject:
        """`ping`: the App's hook was set up."""
        return {
            "zen": "Keep it logically awesome.",
            "hook_id": hook_id,
            "hook": {
                "type": "App",
                "id": hook_id,
                "name": "web",
                "active": True,
                "events": ["issues", "issue_comment", "pull_request", "push"],
                "app_id": self.app_id,
                "config": {"content_type": "json", "insecure_ssl": "0", "secret": "********"},
            },
        }

    def installation_created(self, login: str = "octo", user_id: int = 583231) -> JsonObject:
        """`installation`, action `created`."""
        return {
            "action": "created",
            "installation": {
                "id": self.installation_id,
                "account": self.user(self.owner, self.owner_id),
                "repository_selection": "selected",
                "app_id": self.app_id,
                "app_slug": self.app_slug,
                "target_id": self.owner_id,
                "target_type": "User",
                "permissions": {
                    "checks": "write",
                    "contents": "read",
                    "issues": "write",
                    "metadata": "read",
                    "pull_requests": "write",
                },
                "events": ["issues", "issue_comment", "pull_request", "push"],
                "created_at": self._time(),
                "updated_at": self._time(),
                "suspended_at": None,
            },
            "repositories": [
                {
                    "id": self.repository_id,
                    "node_id": f"R_{self.repository_id}",
                    "name": self.name,
                    "full_name": self.full_name,
                    "private": False,
                }
            ],
            "sender": self.user(login, user_id),
        }

    def issue(
        self, number: int, title: str, body: str, login: str, user_id: int = 1001
    ) -> JsonObject:
        """An open issue."""
        return {
            "id": 7_000_000 + number,
            "node_id": f"I_{7_000_000 + number}",
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "locked": False,
            "user": self.user(login, user_id),
            "labels": [],
            "assignees": [],
            "milestone": None,
            "comments": 0,
            "author_association": "MEMBER",
            "performed_via_github_app": None,
            "html_url": f"{self.web_url}/{self.full_name}/issues/{number}",
            "url": f"{self.api_url}/repos/{self.full_name}/issues/{number}",
            "created_at": self._time(),
            "updated_at": self._time(),
            "closed_at": None,
        }

    def issue_opened(
        self, number: int, title: str, body: str, login: str = "mona", user_id: int = 1001
    ) -> JsonObject:
        """`issues`, action `opened`."""
        issue = self.issue(number, title, body, login, user_id)
        return {"action": "opened", "issue": issue, **self._common(login, user_id)}

    def issue_edited(
        self,
        number: int,
        title: str,
        body: str,
        old_body: str,
        login: str = "mona",
        user_id: int = 1001,
    ) -> JsonObject:
        """`issues`, action `edited`, with the body it had before."""
        return {
            "action": "edited",
            "issue": self.issue(number, title, body, login, user_id),
            "changes": {"body": {"from": old_body}},
            **self._common(login, user_id),
        }

    def comment_created(
        self,
        number: int,
        comment_id: int,
        body: str,
        login: str = "mona",
        user_id: int = 1001,
        *,
        title: str = "An issue",
        on_pull_request: bool = False,
        is_bot: bool = False,
        app_id: int | None = None,
    ) -> JsonObject:
        """`issue_comment`, action `created`, on an issue or a pull request."""
        issue = dict(self.issue(number, title, "", self.owner, self.owner_id))
        if on_pull_request:
            pull = f"{self.api_url}/repos/{self.full_name}/pulls/{number}"
            issue["pull_request"] = {"url": pull, "merged_at": None}
        user = self.user(login, user_id, is_bot=is_bot)
        page = f"{self.web_url}/{self.full_name}/issues/{number}#issuecomment-{comment_id}"
        comment: JsonObject = {
            "id": comment_id,
            "node_id": f"IC_{comment_id}",
            "user": user,
            "body": body,
            "author_association": "MEMBER",
            "performed_via_github_app": None if app_id is None else {"id": app_id},
            "html_url": page,
            "url": f"{self.api_url}/repos/{self.full_name}/issues/comments/{comment_id}",
            "created_at": self._time(),
            "updated_at": self._time(),
        }
        common = {**self._common(login, user_id), "sender": user}
        return {"action": "created", "issue": issue, "comment": comment, **common}

    def pull_request_opened(
        self,
        number: int,
        title: str,
        body: str,
        head_sha: str,
        base_sha: str,
        head_ref: str = "topic",
        login: str = "mona",
        user_id: int = 1001,
    ) -> JsonObject:
        """`pull_request`, action `opened`, from a branch of the same repository."""
        user = self.user(login, user_id)
        repository = self.repository()
        pull: JsonObject = {
            "id": 8_000_000 + number,
            "node_id": f"PR_{8_000_000 + number}",
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "draft": False,
            "merged": False,
            "user": user,
            "labels": [],
            "head": {"ref": head_ref, "sha": head_sha, "repo": repository, "user": user},
            "base": {"ref": self.default_branch, "sha": base_sha, "repo": repository},
            "author_association": "MEMBER",
            "html_url": f"{self.web_url}/{self.full_name}/pull/{number}",
            "url": f"{self.api_url}/repos/{self.full_name}/pulls/{number}",
            "created_at": self._time(),
            "updated_at": self._time(),
        }
        common = self._common(login, user_id)
        return {"action": "opened", "number": number, "pull_request": pull, **common}

    def push(
        self,
        before: str,
        after: str,
        message: str,
        ref: str = "",
        login: str = "mona",
        user_id: int = 1001,
    ) -> JsonObject:
        """`push` of one commit."""
        author = {"name": login, "email": f"{login}@example.com", "username": login}
        commit: JsonObject = {
            "id": after,
            "tree_id": before,
            "message": message,
            "timestamp": self._time(),
            "author": author,
            "committer": author,
            "added": [],
            "removed": [],
            "modified": ["README.md"],
            "distinct": True,
            "url": f"{self.web_url}/{self.full_name}/commit/{after}",
        }
        return {
            "ref": ref or f"refs/heads/{self.default_branch}",
            "before": before,
            "after": after,
            "base_ref": None,
            "compare": f"{self.web_url}/{self.full_name}/compare/{before[:12]}...{after[:12]}",
            "created": False,
            "deleted": False,
            "forced": False,
            "commits": [commit],
            "head_commit": commit,
            "pusher": {"name": login, "email": f"{login}@example.com"},
            **self._common(login, user_id),
        }

    def _common(self, login: str, user_id: int) -> dict[str, JsonObject]:
        return {
            "repository": self.repository(),
            "installation": {"id": self.installation_id, "node_id": "MDIzOkluc3RhbGxhdGlvbg=="},
            "sender": self.user(login, user_id),
        }

    def _time(self) -> str:
        return to_rfc3339(self.now_ms)[:19] + "Z"

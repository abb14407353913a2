"""Every permission and event the App asks for, with its reason. Nothing is asked for that nothing
uses; `metadata` read comes with every App."""

from hookyard.core.registration.model import EventWanted, Permission

PERMISSIONS: tuple[Permission, ...] = (
    Permission(
        "actions", "read", "test reports and findings out of the artifacts of workflow runs"
    ),
    Permission("checks", "write", "one check run for each concern of a pull request"),
    Permission("contents", "read", "the repository's configuration and code owners at a commit"),
    Permission("issues", "write", "criteria out of issues, comments and reactions on them"),
    Permission("members", "read", "teams that give roles, and who is in them"),
    Permission("merge_queues", "read", "the check a merge queue waits for"),
    Permission("metadata", "read", "names of repositories and the right of whoever commands"),
    Permission("pull_requests", "write", "what changed, comments and reactions on pull requests"),
)

EVENTS: tuple[EventWanted, ...] = (
    EventWanted("check_run", "checks", "somebody asks for a check again, or presses its button"),
    EventWanted("check_suite", "checks", "somebody asks for all checks of a commit again"),
    EventWanted("issue_comment", "issues", "commands in comments"),
    EventWanted("issues", "issues", "criteria are read when an issue is opened or edited"),
    EventWanted("member", "members", "the right to command a bot may have changed"),
    EventWanted("membership", "members", "somebody joined or left a team"),
    EventWanted("merge_group", "merge_queues", "a merge queue asks for the check of a group"),
    EventWanted("organization", "members", "somebody joined or left the organisation"),
    EventWanted("pull_request", "pull_requests", "a pull request was opened or changed"),
    EventWanted("pull_request_review", "pull_requests", "commands in reviews"),
    EventWanted("pull_request_review_comment", "pull_requests", "commands in comments on lines"),
    EventWanted("push", "contents", "the repository's configuration may have changed"),
    EventWanted("repository", "metadata", "renamed, moved, archived or deleted repositories"),
    EventWanted("team", "members", "a team was made, renamed or deleted"),
    EventWanted("team_add", "members", "a team was given a repository"),
    EventWanted("workflow_run", "actions", "a run has ended, and its artifacts can be read"),
)

"""Jira Cloud's REST interface, as far as it is needed: webhooks that were never delivered."""

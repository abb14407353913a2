"""Payloads of Sentry's integration webhooks, from the documented schemas; none was captured."""

from hookyard.kit.json import JsonObject

_HOST = "https://sentry.example"
_INSTALLATION = "a8e5d37a-696c-4c54-adb5-b3f28d64c7de"


def _envelope(action: str, data: JsonObject, actor: JsonObject) -> JsonObject:
    return {
        "action": action,
        "actor": actor,
        "data": data,
        "installation": {"uuid": _INSTALLATION},
    }


def _from_sentry() -> JsonObject:
    return {"id": "sentry", "name": "Sentry", "type": "application"}


def event_alert(
    title: str, *, issue_id: str = "1170820242", rule: str = "New error in checkout"
) -> JsonObject:
    """Resource `event_alert`, action `triggered`: an issue alert fired."""
    return _envelope(
        "triggered",
        {
            "event": {
                "event_id": "e4874d664c3540c1a32eab185f12c5ab",
                "issue_id": issue_id,
                "title": title,
                "message": "",
                "level": "error",
                "platform": "python",
                "project": 1,
                "type": "error",
                "url": f"{_HOST}/api/0/projects/example/shop/events/e4874d66/",
                "web_url": f"{_HOST}/organizations/example/issues/{issue_id}/events/e4874d66/",
                "issue_url": f"{_HOST}/api/0/issues/{issue_id}/",
                "tags": [["level", "error"], ["environment", "production"]],
                "metadata": {"type": "ValueError", "value": title},
            },
            "triggered_rule": rule,
        },
        _from_sentry(),
    )


def issue(
    title: str,
    *,
    issue_id: str = "1170820242",
    action: str = "created",
    actor: JsonObject | None = None,
) -> JsonObject:
    """Resource `issue`: created, resolved, assigned, archived or unresolved."""
    return _envelope(
        action,
        {
            "issue": {
                "id": issue_id,
                "shortId": "SHOP-1T",
                "title": title,
                "culprit": "shop.checkout in pay",
                "level": "error",
                "status": "resolved" if action == "resolved" else "unresolved",
                "platform": "python",
                "project": {"id": "1", "name": "shop", "slug": "shop", "platform": "python"},
                "metadata": {"type": "ValueError", "value": title},
                "count": "1",
                "userCount": 1,
                "web_url": f"{_HOST}/organizations/example/issues/{issue_id}/",
            }
        },
        actor or _from_sentry(),
    )


def metric_alert(title: str, *, alert_id: str = "7", action: str = "critical") -> JsonObject:
    """Resource `metric_alert`: critical, warning or resolved."""
    return _envelope(
        action,
        {
            "metric_alert": {
                "id": alert_id,
                "identifier": alert_id,
                "title": title,
                "status": 2 if action == "resolved" else 20,
                "projects": ["shop"],
                "alert_rule": {"id": "1", "name": title, "aggregate": "count()"},
            },
            "description_title": title,
            "description_text": "120 events in the last 10 minutes",
            "web_url": f"{_HOST}/organizations/example/alerts/{alert_id}/",
        },
        _from_sentry(),
    )

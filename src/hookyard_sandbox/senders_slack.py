"""Bodies of Slack requests, built from the documented schemas; none was captured."""

import json

from hookyard.kit.json import JsonObject
from hookyard_sandbox.senders import form_encode

_TEAM = "T061EG9R6"
_APP = "A0KRQLJ9H"
_BOT_USER = "U0LAN0Z89"


def url_verification(challenge: str) -> JsonObject:
    """The challenge Slack sends when a request URL is set."""
    return {"token": "unused", "challenge": challenge, "type": "url_verification"}


def app_mention(
    text: str,
    *,
    event_id: str,
    now_ms: int,
    user: str = "U061F7AUR",
    channel: str = "C061EG9T2",
    thread_ts: str = "",
    bot_id: str = "",
) -> JsonObject:
    """An `event_callback` around an `app_mention`; the mention is put before the text."""
    stamp = f"{now_ms // 1000}.{now_ms % 1000:03d}200"
    event: dict[str, str] = {
        "type": "app_mention",
        "user": user,
        "text": f"<@{_BOT_USER}> {text}",
        "ts": stamp,
        "channel": channel,
        "event_ts": stamp,
    }
    if thread_ts:
        event["thread_ts"] = thread_ts
    if bot_id:
        event["bot_id"] = bot_id
    return {
        "token": "unused",
        "team_id": _TEAM,
        "api_app_id": _APP,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": now_ms // 1000,
        "authorizations": [
            {"enterprise_id": None, "team_id": _TEAM, "user_id": _BOT_USER, "is_bot": True}
        ],
        "is_ext_shared_channel": False,
    }


def slash_command(
    text: str,
    *,
    trigger_id: str,
    command: str = "/hookyard",
    user_id: str = "U061F7AUR",
    user_name: str = "mona",
    channel: str = "C061EG9T2",
) -> bytes:
    """A slash command's form."""
    return form_encode(
        {
            "token": "unused",
            "team_id": _TEAM,
            "team_domain": "example",
            "channel_id": channel,
            "channel_name": "builds",
            "user_id": user_id,
            "user_name": user_name,
            "command": command,
            "text": text,
            "api_app_id": _APP,
            "is_enterprise_install": "false",
            "response_url": f"https://hooks.slack.com/commands/{_TEAM}/1/x",
            "trigger_id": trigger_id,
        }
    )


def block_action(
    action_id: str,
    value: str,
    *,
    trigger_id: str,
    now_ms: int,
    user_id: str = "U061F7AUR",
    user_name: str = "mona",
    channel: str = "C061EG9T2",
) -> bytes:
    """A click on a button: interactivity's form with its JSON `payload`."""
    stamp = f"{now_ms // 1000}.{now_ms % 1000:03d}300"
    payload: JsonObject = {
        "type": "block_actions",
        "user": {"id": user_id, "username": user_name, "name": user_name, "team_id": _TEAM},
        "api_app_id": _APP,
        "token": "unused",
        "trigger_id": trigger_id,
        "team": {"id": _TEAM, "domain": "example"},
        "channel": {"id": channel, "name": "builds"},
        "container": {"type": "message", "message_ts": stamp, "channel_id": channel},
        "message": {"type": "message", "ts": stamp, "text": "A report"},
        "response_url": f"https://hooks.slack.com/actions/{_TEAM}/1/x",
        "actions": [
            {
                "type": "button",
                "action_id": action_id,
                "block_id": "b1",
                "value": value,
                "action_ts": stamp,
            }
        ],
    }
    return form_encode({"payload": json.dumps(payload)})


def ssl_check() -> bytes:
    """The unsigned certificate probe."""
    return form_encode({"token": "unused", "ssl_check": "1"})

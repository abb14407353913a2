"""Payloads of GitHub's events read into facts; pure, and never raises on odd shapes."""

from hookyard.core.repositories.model import InstallationFacts, RepositoryFacts
from hookyard.kit.clock import from_rfc3339
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text, dig


def instant_ms(value: Json) -> int | None:
    """Milliseconds of GitHub's two ways to write an instant: RFC 3339 text or epoch seconds."""
    seconds = as_int(value)
    if seconds is not None:
        return seconds * 1000 if 0 <= seconds < 100_000_000_000 else None
    try:
        return from_rfc3339(as_text(value))
    except (ValueError, OverflowError):
        return None


def read_installation(payload: JsonObject) -> InstallationFacts | None:
    """The `installation` of an event that describes it in full, or None."""
    value = as_object(payload.get("installation"))
    number = as_int(value.get("id"))
    account = as_object(value.get("account"))
    if number is None or not account:
        return None
    permissions = as_object(value.get("permissions"))
    return InstallationFacts(
        id=number,
        account_login=as_text(account.get("login")) or as_text(account.get("slug")),
        account_type=as_text(account.get("type")),
        app_id=as_int(value.get("app_id")),
        target_type=as_text(value.get("target_type")),
        suspended_at_ms=instant_ms(value.get("suspended_at")),
        permissions={name: as_text(access) for name, access in sorted(permissions.items())},
        events=tuple(as_text(event) for event in as_list(value.get("events"))),
        updated_at_ms=instant_ms(value.get("updated_at")),
    )


def installation_id_of(payload: JsonObject) -> int | None:
    """The id in any event an App receives, which may be all it says of the installation."""
    return as_int(dig(payload, "installation", "id"))


def read_repository(value: Json) -> RepositoryFacts | None:
    """A repository object, full or short, or None when it lacks id or name."""
    data = as_object(value)
    number, full_name = as_int(data.get("id")), as_text(data.get("full_name"))
    if number is None or full_name.count("/") != 1 or len(full_name) > 250:
        return None
    return RepositoryFacts(
        id=number,
        full_name=full_name,
        private=_flag(data.get("private")),
        default_branch=as_text(data.get("default_branch")) or None,
        archived=_flag(data.get("archived")),
        updated_at_ms=instant_ms(data.get("updated_at")),
    )


def read_repositories(value: Json) -> list[RepositoryFacts]:
    """The repositories of a list, leaving out what cannot be read."""
    facts = (read_repository(item) for item in as_list(value))
    return [item for item in facts if item is not None]


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None

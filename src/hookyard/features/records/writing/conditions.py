"""`If-Match` and `If-None-Match` of writes. Pure."""

from hookyard.features.records.trouble import wrong
from hookyard.features.records.writing.model import ALWAYS, Condition

MAX_ETAGS = 20


def condition_of(if_match: str | None, if_none_match: str | None) -> Condition:
    """What `If-Match` and `If-None-Match` ask of a record that is to be written."""
    if if_match is None and if_none_match is None:
        return ALWAYS
    if if_none_match is not None:
        if if_none_match.strip() != "*" or if_match is not None:
            raise wrong("/header/if-none-match", "bad_header", "a write takes `If-None-Match: *`")
        return Condition(absent=True)
    said = (if_match or "").strip()
    if said == "*":
        return Condition(exists=True)
    return Condition(revisions=revisions_of(said), exists=True)


def revisions_of(header: str) -> tuple[str, ...]:
    """The revisions of strong entity tags; weak ones name none.

    # spec: RFC 9110, 13.1.1: If-Match compares strongly.
    """
    tags = [tag.strip() for tag in header.split(",")]
    if len(tags) > MAX_ETAGS:
        raise wrong("/header/if-match", "bad_header", f"{MAX_ETAGS} entity tags at most")
    return tuple(tag[1:-1] for tag in tags if len(tag) > 2 and tag[0] == '"' and tag[-1] == '"')

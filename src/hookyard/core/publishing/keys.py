"""Names of effects: the key of one thing on GitHub, and the hidden marker that shows it again.

comment     comment:owner/name#12:criteria
check run   check:owner/name@<sha>:hookyard/criteria
reaction    reaction:owner/name#12:<comment id or "issue">:eyes
issue       issue:owner/name:concern
message     message:<target>:<key>

Owner and name are lower case in keys, as GitHub compares them without case.
"""

import re

from hookyard.core.publishing.model import (
    CheckRunEffect,
    CommentEffect,
    Effect,
    IssueEffect,
    MessageEffect,
    ReactionEffect,
)
from hookyard.kit.errors import Invalid
from hookyard.kit.names import is_repository, is_sha

CHECK_PREFIX = "hookyard/"
REACTIONS = frozenset({"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"})

# why: owners may carry "_" (managed users); names "." and ".." cannot exist on GitHub.
_CONCERN = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*\Z")
_TARGET = re.compile(r"[A-Z0-9]{7,21}\Z")
_MESSAGE = re.compile(r"[a-z0-9-]{1,120}\Z")
_MARKER = re.compile(r"\s*<!-- hookyard:(\S{1,400}) -->")


def kind_of(effect: Effect) -> str:
    """The word the effect is stored under: comment, check, reaction, issue or message."""
    match effect:
        case CommentEffect():
            return "comment"
        case CheckRunEffect():
            return "check"
        case ReactionEffect():
            return "reaction"
        case IssueEffect():
            return "issue"
        case MessageEffect():
            return "message"


def key_of(effect: Effect) -> str:
    """The effect's key; Invalid (`bad_effect`) when a part cannot name anything on GitHub."""
    if isinstance(effect, MessageEffect):
        return _message_key(effect)
    repository = _repository(effect.repository)
    match effect:
        case CommentEffect():
            return f"comment:{repository}#{_number(effect.number)}:{_concern(effect.concern)}"
        case CheckRunEffect():
            return f"check:{repository}@{_sha(effect.head_sha)}:{check_name(effect.concern)}"
        case ReactionEffect():
            where = "issue" if effect.comment_id is None else str(_number(effect.comment_id))
            number = _number(effect.number)
            return f"reaction:{repository}#{number}:{where}:{_reaction(effect.content)}"
        case IssueEffect():
            return f"issue:{repository}:{_concern(effect.concern)}"


def check_name(concern: str) -> str:
    """The check run's name: `criteria` and `hookyard/criteria` are both hookyard/criteria."""
    return CHECK_PREFIX + _concern(concern.removeprefix(CHECK_PREFIX))


def run_external_id(key: str, epoch: int) -> str:
    """What a check run carries as `external_id`; later runs under one key count up."""
    return key if epoch <= 1 else f"{key}~{epoch}"


def marker(key: str) -> str:
    """The first line of a comment or issue body: invisible to people, ours to find again."""
    return f"<!-- hookyard:{key} -->"


def marked_key(body: str) -> str | None:
    """The key a body carries. Only its very start counts, so quoted text cannot forge one."""
    found = _MARKER.match(body)
    return found.group(1) if found else None


def _message_key(effect: MessageEffect) -> str:
    if not _TARGET.match(effect.target) or not _MESSAGE.match(effect.key):
        raise Invalid("the message has no target or key that can be used", code="bad_effect")
    return f"message:{effect.target}:{effect.key}"


def _repository(text: str) -> str:
    if not is_repository(text):
        raise Invalid(f"{text!r} is not an owner/name", code="bad_effect")
    return text.lower()


def _concern(text: str) -> str:
    if len(text) > 100 or not _CONCERN.match(text):
        raise Invalid(f"{text!r} cannot name a concern", code="bad_effect")
    return text


def _sha(text: str) -> str:
    sha = text.lower()
    if not is_sha(sha):
        raise Invalid(f"{text!r} is not a full commit id", code="bad_effect")
    return sha


def _number(number: int) -> int:
    if number < 1:
        raise Invalid(f"{number} is not a number GitHub gives out", code="bad_effect")
    return number


def _reaction(content: str) -> str:
    if content not in REACTIONS:
        raise Invalid(f"{content!r} is not a reaction GitHub knows", code="bad_effect")
    return content

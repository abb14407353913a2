"""Rules on words: one name for each thing, as docs/glossary.md fixes them."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from tests.house.tree import Source

# Words that are another name for one of ours, and ours. Each is also in docs/glossary.md.
SYNONYMS: Mapping[str, str] = {
    "webhook_event": "delivery",
    "webhook_delivery": "delivery",
    "webhook_message": "delivery",
    "hook_event": "delivery",
    "webhook_source": "source",
    "hook_source": "source",
    "background_task": "job",
    "queue_item": "job",
    "work_item": "job",
    "job_run": "attempt",
    "job_execution": "attempt",
    "job_try": "attempt",
    "lease_token": "lease",
    "fencing_token": "lease",
    "job_queue_name": "lane",
    "outbox_message": "effect",
    "outbox_entry": "effect",
    "acceptance_item": "criterion",
    "criteria_item": "criterion",
    "principal": "actor",
    "acl_role": "role",
}
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """`WebhookEvent2` as `webhook_event2`."""
    return CAMEL.sub("_", name).lower()


def defined_names(source: Source) -> Iterator[tuple[int, str]]:
    """Names a file gives to things of its own: functions, classes, arguments, variables."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def synonyms(sources: Iterable[Source]) -> list[str]:
    """Names that use another word for a thing that has one."""
    return [
        f"{source.path}:{line} {name}: say {word}"
        for source in sources
        for line, name in defined_names(source)
        for other, word in SYNONYMS.items()
        if re.search(rf"(?:^|_){other}s?(?:_|$)", snake(name))
    ]

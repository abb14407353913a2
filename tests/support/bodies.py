"""Bodies of deliveries that differ the way those of one repository do."""

import json
from random import Random

from hookyard_sandbox.senders_github import GitHubScene

WORDS = [
    "fix",
    "add",
    "page",
    "login",
    "slow",
    "export",
    "error",
    "button",
    "report",
    "when",
    "user",
    "token",
    "list",
    "empty",
]


def issue_bodies(count: int, first: int = 1) -> list[bytes]:
    """Events about issues with different numbers and words."""
    scene, random = GitHubScene(), Random(first)
    made = []
    for number in range(first, first + count):
        title = " ".join(random.choices(WORDS, k=6))
        text = " ".join(random.choices(WORDS, k=80))
        made.append(json.dumps(scene.issue_opened(number, title, text)).encode())
    return made

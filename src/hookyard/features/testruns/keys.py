"""What a case is known by over the runs: its names, its repository, and its configuration. Pure."""

import hashlib
import re

from hookyard.features.testruns.model import Case, RunFacts

_SHA = re.compile(r"[0-9a-f]{40}")
MAX_CONFIGURATION = 500


def configuration_of(facts: RunFacts, artifact_name: str, member: str) -> str:
    """Under what a report was made: workflow, artifact and member, without the run's own numbers.

    # why: artifacts are often named by the run and the commit, since names must differ.
    """
    parts = (facts.path or facts.name, artifact_name, member)
    bare = []
    for part in parts:
        text = part.replace(str(facts.run_id), "*").replace(facts.head_sha, "*")
        text = text.replace(facts.head_sha[:7], "*") if facts.head_sha else text
        bare.append(_SHA.sub("*", text))
    return "|".join(bare)[:MAX_CONFIGURATION]


class Keys:
    """Keys of the cases of one repository under one configuration."""

    def __init__(self, repository: str, configuration: str) -> None:
        start = f"{repository.lower()}\0{configuration}"
        self._start = hashlib.blake2b(start.encode("utf-8", "replace"), digest_size=16)

    def of(self, case: Case) -> str:
        """32 hexadecimal digits, the same for the same case of any run."""
        digest = self._start.copy()
        text = f"\0{case.suite}\0{case.classname}\0{case.name}\0{case.occurrence}"
        digest.update(text.encode("utf-8", "replace"))
        return digest.hexdigest()

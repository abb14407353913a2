"""Reads an artifact's zip: which members are reports, what they say, what is another room's.

Synchronous and bounded; the caller runs it on a thread. Nothing is unpacked to disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO

from hookyard.features.testruns.choose import kind_of_other, should_be_report
from hookyard.features.testruns.keys import Keys, configuration_of
from hookyard.features.testruns.limits import DEFAULT, MIB, Limits
from hookyard.features.testruns.model import MemberRead, Problem, RunFacts
from hookyard.features.testruns.packing import Names, Packer
from hookyard.features.testruns.parse import Parsed, parse
from hookyard.kit.zips import Member, ZipLimits, ZipReader, ZipRefused

MAX_KEPT = 32 * MIB
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
MAX_MEMBER_NAME = 500
Suspects = Mapping[str, Mapping[Names, str]]


@dataclass(frozen=True, slots=True)
class KeptMember:
    """Bytes of a member that is another room's."""

    read: MemberRead
    kind: str
    data: bytes = field(repr=False)


class ArtifactZip:
    """One artifact's zip. `wanted`: a member that should be a report and is none is a problem."""

    def __init__(
        self,
        file: IO[bytes],
        facts: RunFacts,
        artifact_name: str,
        *,
        wanted: bool,
        limits: Limits = DEFAULT,
        zip_limits: ZipLimits | None = None,
    ) -> None:
        self._zip = ZipReader(file, zip_limits)
        self._facts = facts
        self._name = artifact_name
        self._wanted = wanted
        self._limits = limits

    def members(self) -> list[Member]:
        """What is in it, without folders; ZipRefused when it cannot be read at all."""
        return [member for member in self._zip.members() if not member.is_folder]

    def configuration(self, member: Member) -> str:
        """Under what a member's report was made."""
        return configuration_of(self._facts, self._name, member.name)

    def read(self, member: Member, suspects: Suspects) -> MemberRead | KeptMember | None:
        """What a member comes to; None for one that is no report and need not be."""
        name = member.name[:MAX_MEMBER_NAME]
        configuration = self.configuration(member)
        try:
            kind = kind_of_other(member.name)
            if kind is not None:
                return self._kept(member, kind, MemberRead(name, configuration))
            return self._report(member, name, configuration, suspects)
        except ZipRefused as refused:
            if not self._wanted and refused.reason != "bomb":
                return None
            return _problem(name, configuration, Problem(refused.reason), refused.detail)

    def _kept(self, member: Member, kind: str, read: MemberRead) -> KeptMember:
        if member.size > MAX_KEPT:
            raise ZipRefused("too_large", f"a member of {member.size} bytes")
        return KeptMember(read, kind, b"".join(self._zip.read(member)))

    def _report(
        self, member: Member, name: str, configuration: str, suspects: Suspects
    ) -> MemberRead | None:
        start = next(self._zip.read(member), b"")
        if start.startswith(_ZIP_STARTS):
            if not self._wanted:
                return None
            return _problem(name, configuration, Problem.NESTED_ZIP, "zips inside are not opened")
        known = suspects.get(configuration, {})
        keys = Keys(self._facts.repository, configuration)
        parsed, packer = parse(
            lambda: self._zip.read(member), lambda: Packer(keys, known), self._limits
        )
        if isinstance(packer, Packer):
            return _read(name, configuration, parsed, packer)
        is_report = parsed.problem is not Problem.UNKNOWN and (self._wanted or parsed.dialect)
        if not is_report and not (self._wanted and should_be_report(member.name)):
            return None
        return _problem(name, configuration, parsed.problem or Problem.UNREADABLE, parsed.detail)


def _read(name: str, configuration: str, parsed: Parsed, packer: Packer) -> MemberRead:
    packer.finish()
    warnings = parsed.warnings
    if packer.left_out:
        said = f"{packer.left_out} cases are kept in the report only, and are not listed by case"
        warnings = (*warnings, said)
    return MemberRead(
        member=name,
        configuration=configuration,
        dialect=parsed.dialect,
        totals=parsed.totals,
        truncated=parsed.truncated,
        warnings=warnings,
        problem=parsed.problem,
        detail=parsed.detail,
        blocks=tuple(packer.blocks),
        notable=tuple(packer.notable),
        passed_now=tuple(packer.passed_now),
    )


def _problem(name: str, configuration: str, problem: Problem, detail: str) -> MemberRead:
    return MemberRead(name, configuration, problem=problem, detail=detail[:500])


def whole_problem(problem: Problem, detail: str) -> MemberRead:
    """What stands for an artifact that could not be read at all."""
    return _problem("", "", problem, detail)

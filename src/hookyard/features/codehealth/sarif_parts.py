"""The parts of a SARIF run that results refer to: rules, artifacts, bases of addresses; pure.

# spec: OASIS SARIF 2.1.0, sections 3.14 (run), 3.18 to 3.19 (tool), 3.49 (rules), 3.4 (addresses).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hookyard.features.codehealth.model import Level
from hookyard.features.codehealth.words import MAX_MESSAGE, path_of, uri_path
from hookyard.kit.json import Json, JsonObject, as_int, as_list, as_object, as_text, dig

ROOT = "%SRCROOT%"
MAX_BASES = 8
MAX_ARGUMENT = 500
_ARGUMENT = re.compile(r"\{\{|\}\}|\{(\d{1,3})\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, the level of results that name none, its texts by id."""

    id: str
    level: str
    texts: JsonObject


class Run:
    """One run of one tool."""

    def __init__(self, run: JsonObject) -> None:
        driver = as_object(dig(run, "tool", "driver"))
        self.tool = as_text(driver.get("name"))
        self._driver = _rules(driver)
        self._extensions = [
            _rules(as_object(one)) for one in as_list(dig(run, "tool", "extensions"))[:200]
        ]
        self._by_id = {rule.id: rule for rule in reversed(self._driver) if rule.id}
        self._artifacts = as_list(run.get("artifacts"))
        self._bases = as_object(run.get("originalUriBaseIds"))
        self._roots = self._source_roots()

    def rule_of(self, result: JsonObject) -> Rule:
        """The rule a result is about; an empty one where the file describes none."""
        named = as_text(result.get("ruleId")) or as_text(dig(result, "rule", "id"))
        rules = self._driver
        extension = as_int(dig(result, "rule", "toolComponent", "index"))
        if extension is not None and 0 <= extension < len(self._extensions):
            rules = self._extensions[extension]
        index = as_int(result.get("ruleIndex"))
        if index is None:
            index = as_int(dig(result, "rule", "index"))
        found = rules[index] if index is not None and 0 <= index < len(rules) else None
        if found is None:
            # why: `CA1000/1` is a sub-rule described under `CA1000`.
            found = self._by_id.get(named) or self._by_id.get(named.partition("/")[0])
        return Rule(named or (found.id if found else ""), *_rest(found))

    def text_of(self, result: JsonObject, rule: Rule) -> str:
        """What a result says, its arguments put in."""
        message = as_object(result.get("message"))
        text = as_text(message.get("text")) or as_text(message.get("markdown"))
        named = as_text(message.get("id"))
        if not text and named:
            said = as_object(rule.texts.get(named))
            text = as_text(said.get("text")) or as_text(said.get("markdown"))
        arguments = [as_text(one)[:MAX_ARGUMENT] for one in as_list(message.get("arguments"))[:100]]
        return filled(text[: MAX_MESSAGE * 4], arguments) if arguments else text

    def place_of(self, result: JsonObject) -> tuple[str | None, JsonObject]:
        """The path of a result's first location ("" for none, None for one that is not usable),
        and its region."""
        locations = as_list(result.get("locations"))
        physical = as_object(dig(locations[0], "physicalLocation")) if locations else {}
        place = as_object(physical.get("artifactLocation"))
        region = as_object(physical.get("region"))
        uri, base = as_text(place.get("uri")), as_text(place.get("uriBaseId"))
        index = as_int(place.get("index"))
        if not uri and index is not None and 0 <= index < len(self._artifacts):
            kept = as_object(dig(self._artifacts[index], "location"))
            uri, base = as_text(kept.get("uri")), as_text(kept.get("uriBaseId"))
        return ("" if not uri else self._path(uri, base)), region

    def _path(self, uri: str, base: str) -> str | None:
        decoded = uri_path(uri)
        if decoded is None:
            return None
        if decoded.startswith("/") or not base or base == ROOT:
            return path_of(decoded, self._roots)
        prefix = self._base(base)
        return None if prefix is None else path_of(prefix + decoded, self._roots)

    def _base(self, name: str) -> str | None:
        """The folder a base stands for, relative to the repository's where it leads there; ""
        for a base that is not described."""
        prefix = ""
        for _ in range(MAX_BASES):
            if name == ROOT:
                return prefix
            described = as_object(self._bases.get(name))
            uri = as_text(described.get("uri"))
            decoded = uri_path(uri) if uri else ""
            if decoded is None:
                return None
            prefix = decoded + prefix
            name = as_text(described.get("uriBaseId"))
            if not name or decoded.startswith("/"):
                return prefix
        return None

    def _source_roots(self) -> tuple[str, ...]:
        uri = as_text(dig(self._bases, ROOT, "uri"))
        decoded = uri_path(uri) if uri else None
        if not decoded or decoded == "/":
            return ()
        folder = decoded.replace("\\", "/")
        return (folder if folder.endswith("/") else f"{folder}/",)


def filled(text: str, arguments: Sequence[str]) -> str:
    """A text with `{0}`, `{1}`, … replaced, and `{{`, `}}` as braces; no longer than is kept.

    # spec: SARIF 2.1.0, section 3.11.5, messages with placeholders.
    """
    parts: list[str] = []
    size, at = 0, 0
    for found in _ARGUMENT.finditer(text):
        if size > MAX_MESSAGE * 2:
            break
        number = found.group(1)
        put = found.group(0)[0]
        if number is not None:
            known = int(number) < len(arguments)
            put = arguments[int(number)] if known else found.group(0)
        parts += [text[at : found.start()], put]
        size += len(parts[-2]) + len(put)
        at = found.end()
    return "".join([*parts, text[at:]])


def level_named(text: str) -> Level | None:
    """A level of SARIF; None for `none` and for what is no level."""
    try:
        return Level(text)
    except ValueError:
        return None


def _rules(component: JsonObject) -> list[Rule]:
    return [
        Rule(
            as_text(dig(one, "id")),
            as_text(dig(one, "defaultConfiguration", "level")),
            as_object(dig(one, "messageStrings")),
        )
        for one in as_list(component.get("rules"))
    ]


def _rest(found: Rule | None) -> tuple[str, JsonObject]:
    empty: dict[str, Json] = {}
    return ("", empty) if found is None else (found.level, found.texts)

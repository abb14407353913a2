"""A delivery of a server as a sample folder, with secrets and e-mail addresses taken out."""

import json
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from hookyard.adapters.telemetry.redact import Redactor
from hookyard.entrypoints.cli.group import Failed
from hookyard.entrypoints.cli.hooks.meaning import sample_meaning
from hookyard.entrypoints.cli.hooks.samples import BODIES, EXPECTED, REQUEST, Moment, load_sample
from hookyard.kit.json import Json, JsonObject, as_text

FORM = "application/x-www-form-urlencoded"
# why: `git@host:path` is an address of a repository, not of a person.
_EMAIL = re.compile(r"(?<![\w.+-])(?!git@[\w.-]+:)[\w.+-]+(?:\[bot\])?@[\w-]+(?:\.[\w-]+)+")
_ONE_TIME_URL = re.compile(r"https://hooks\.slack\.com/[^\s\"']+")


class Scrubber:
    """Replaces secrets by a mask, and each e-mail address by one of example.com."""

    def __init__(self) -> None:
        self._redactor = Redactor()
        self._people: dict[str, str] = {}

    def text(self, value: str) -> str:
        """The text without them."""
        value = _ONE_TIME_URL.sub("https://hooks.slack.com/***", self._redactor.text(value))
        return _EMAIL.sub(lambda match: self._person(match[0]), value)

    def tree(self, value: Json) -> Json:
        """The same through objects and lists; text under a name of a secret is masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self._field(name, inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.tree(inner) for inner in value]
        return value

    def _field(self, name: str, value: Json) -> Json:
        if not isinstance(value, str):
            return self.tree(value)
        masked = self._redactor.value({name: value})
        assert isinstance(masked, Mapping)  # noqa: S101
        return self.tree(masked[name])

    def _person(self, address: str) -> str:
        return self._people.setdefault(
            address.lower(), f"person{len(self._people) + 1}@example.com"
        )


def record(delivery: JsonObject, body: bytes, folder: Path, *, replace: bool) -> None:
    """Write the sample of a delivery and its body; Failed when the folder holds one already."""
    if any((folder / name).exists() for name in (REQUEST, *BODIES, EXPECTED)) and not replace:
        raise Failed(f"{folder} holds a sample already; --replace writes over it")
    provider = as_text(delivery.get("provider"))
    options, headers, text, is_json = _scrubbed(
        provider, as_text(delivery.get("content_type")), body
    )
    request: JsonObject = {
        "provider": provider,
        "event": as_text(delivery.get("event")),
        **({"options": options} if options else {}),
        **({"headers": headers} if headers else {}),
        "notes": f"recorded {as_text(delivery.get('received_at'))[:10]}, scrubbed",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in BODIES:
            (folder / name).unlink(missing_ok=True)
        _write(folder / REQUEST, request)
        (folder / ("body.json" if is_json else "body.txt")).write_text(text + "\n", "utf-8")
        _write(folder / EXPECTED, _expected(delivery, folder))
    except OSError as error:
        raise Failed(f"{folder} cannot be written: {error.strerror}") from None


def _scrubbed(
    provider: str, content_type: str, body: bytes
) -> tuple[dict[str, str], dict[str, str], str, bool]:
    """Options, headers, text of the body, whether it is JSON."""
    scrubber = Scrubber()
    text = body.decode("utf-8", "replace")
    options: dict[str, str] = {}
    if content_type.startswith(FORM):
        options["form"] = "yes"
        fields = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        if provider != "github":
            clean = {name: _form_field(scrubber, name, value) for name, value in fields.items()}
            return options, {}, urllib.parse.urlencode(clean), False
        text = fields.get("payload", "")
    try:
        tree: Json = json.loads(text)
    except ValueError:
        return options, {"content-type": content_type}, scrubber.text(text), False
    return options, {}, json.dumps(scrubber.tree(tree), indent=2, ensure_ascii=False), True


def _form_field(scrubber: Scrubber, name: str, value: str) -> str:
    if name == "payload":
        try:
            return json.dumps(scrubber.tree(json.loads(value)))
        except ValueError:
            return scrubber.text(value)
    clean = scrubber.tree({name: value})
    return as_text(clean.get(name)) if isinstance(clean, Mapping) else ""


def _expected(delivery: JsonObject, folder: Path) -> JsonObject:
    """What the server says, and what the scrubbed sample means when it is read back."""
    sample = load_sample(folder)
    moment = Moment(1_700_000_000_000, "0" * 32)
    found = sample_meaning(sample, moment)
    names = ("event", "action", "repository", "subject", "status")
    facts: JsonObject = {name: delivery.get(name) for name in names}
    pure = {name: found[name] for name in ("http", "actor", "commands") if name in found}
    return {**pure, **facts}


def _write(path: Path, value: JsonObject) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")

"""Samples: one delivery in a folder, with what should come of it.

`request.json` names the provider and the event, headers and options of the sender, the source it
is meant for, and notes; `body.json` or `body.txt` is the body; `expected.json` says what it means
and how it ends. No
signature is stored: a sample is signed when it is sent. In a body `{{now_ms}}`, `{{now_s}}` and
`{{unique}}` stand for the instant and for a word that is new each time; a JSON text that is
`{{now_ms}}` or `{{now_s}}` and nothing else becomes a number.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookyard.entrypoints.cli.group import Failed
from hookyard.kit.json import Json, JsonObject, as_object, as_text
from hookyard_sandbox.senders import PROVIDERS, SignedRequest, signed_request

REQUEST, EXPECTED, BODIES = "request.json", "expected.json", ("body.json", "body.txt")
KEYS = frozenset({"provider", "event", "headers", "options", "source", "notes"})
CREDENTIALS = ("signature", "token", "authorization")


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample. `is_json` bodies travel as compact JSON, others byte for byte. `source` is the
    id of the source it is meant for, "" for the one named after the provider."""

    name: str
    provider: str
    event: str
    headers: Mapping[str, str]
    options: Mapping[str, str]
    body: str
    is_json: bool
    expected: JsonObject
    source: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is new at each sending: the instant, and 32 hexadecimal digits nobody used yet."""

    now_ms: int
    unique: str

    @property
    def delivery_id(self) -> str:
        """The digits in the form of a UUID."""
        u = self.unique
        return f"{u[:8]}-{u[8:12]}-{u[12:16]}-{u[16:20]}-{u[20:]}"


def find_samples(folders: Sequence[Path]) -> list[Path]:
    """The sample folders among and below these, in order; Failed for a folder without any."""
    found: list[Path] = []
    for folder in folders:
        below = sorted(path.parent for path in folder.rglob(REQUEST))
        if not below:
            raise Failed(f"{folder} holds no sample: no {REQUEST} in it or below it")
        found += below
    return list(dict.fromkeys(found))


def load_sample(folder: Path) -> Sample:
    """The sample of a folder; Failed names the file that is wrong."""
    request = _object(folder / REQUEST)
    unknown = sorted(set(request) - KEYS)
    if unknown:
        raise Failed(f"{folder / REQUEST}: no such key {unknown[0]!r}")
    provider = as_text(request.get("provider"))
    if provider not in PROVIDERS:
        raise Failed(f"{folder / REQUEST}: provider must be one of {', '.join(PROVIDERS)}")
    headers = _words(request.get("headers"))
    for header in headers:
        if header.lower().endswith(CREDENTIALS):
            raise Failed(f"{folder / REQUEST}: {header} is made when the sample is sent")
    body = next((folder / name for name in BODIES if (folder / name).is_file()), None)
    if body is None:
        raise Failed(f"{folder}: neither body.json nor body.txt is there")
    expected = folder / EXPECTED
    return Sample(
        name=f"{folder.parent.name}/{folder.name}",
        provider=provider,
        event=as_text(request.get("event")),
        headers={name.lower(): value for name, value in headers.items()},
        options=_words(request.get("options")),
        body=_text(body).removesuffix("\n"),
        is_json=body.suffix == ".json",
        expected=_object(expected) if expected.is_file() else {},
        source=as_text(request.get("source")),
    )


def signed(
    sample: Sample,
    secret: bytes | str,
    moment: Moment,
    *,
    source: str = "",
    changes: Mapping[str, Json] | None = None,
) -> SignedRequest:
    """The sample as a request, signed now. `changes` sets values of a JSON body by dotted path."""
    to = source or sample.source
    made = signed_request(
        sample.provider,
        filled(sample, moment, changes or {}),
        secret,
        event=sample.event,
        delivery_id=moment.delivery_id,
        now_ms=moment.now_ms,
        **{**sample.options, **({"source": to} if to else {})},
    )
    return SignedRequest({**made.headers, **sample.headers}, made.body, made.path)


def filled(sample: Sample, moment: Moment, changes: Mapping[str, Json]) -> bytes:
    """The body as it is sent."""
    values = {
        "{{now_ms}}": str(moment.now_ms),
        "{{now_s}}": str(moment.now_ms // 1000),
        "{{unique}}": moment.unique,
    }
    text = sample.body
    for mark, value in values.items():
        if sample.is_json and value.isdigit() and mark != "{{unique}}":
            text = text.replace(f'"{mark}"', value)
        text = text.replace(mark, value)
    if not sample.is_json:
        return text.encode()
    try:
        tree: Json = json.loads(text)
    except ValueError as error:
        raise Failed(f"{sample.name}/body.json: {error}") from None
    for path, change in changes.items():
        tree = _changed(tree, path.split("."), change)
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def _changed(tree: Json, path: list[str], value: Json) -> Json:
    """The tree with a value replaced; a path that is not there changes nothing."""
    if not path:
        return value
    if not isinstance(tree, dict) or path[0] not in tree:
        return tree
    return {**tree, path[0]: _changed(tree[path[0]], path[1:], value)}


def differences(expected: Json, found: Json, where: str = "") -> Iterator[str]:
    """Where what was found does not hold all that was expected; more than that is no fault."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for name, value in expected.items():
            yield from differences(value, found.get(name), f"{where}.{name}" if where else name)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (left, right) in enumerate(zip(expected, found, strict=True)):
            yield from differences(left, right, f"{where}[{number}]")
    elif expected != found:
        yield f"{where}: expected {json.dumps(expected)}, found {json.dumps(found)}"


def _object(path: Path) -> JsonObject:
    try:
        found: Json = json.loads(_text(path))
    except ValueError as error:
        raise Failed(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise Failed(f"{path}: expected an object")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{path} cannot be read: {type(error).__name__}") from None


def _words(value: Json) -> dict[str, str]:
    return {name: as_text(text) for name, text in as_object(value).items()}

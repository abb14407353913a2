"""How the place of a secret or a key is written: `kind:path`, for some with `?optional` behind."""

import re
from dataclasses import dataclass

_NAME = r"[A-Za-z0-9_.-]+"
_AWS = r"[a-z]{2}(?:-[a-z]+)+-\d"
_SOURCES = {
    "env": re.compile(""),
    "file": re.compile(r".+"),
    "gcp-sm": re.compile(rf"projects/{_NAME}(?:/{_NAME})?"),
    "aws-sm": re.compile(rf"{_AWS}(?:/{_NAME})*"),
    "azure-kv": re.compile(r"[A-Za-z0-9-]{3,24}(?:/[A-Za-z0-9-]+)?"),
    "vault": re.compile(rf"{_NAME}(?:/{_NAME})+"),
}
_SOURCE_FORMS = (
    "env:, file:DIR, gcp-sm:projects/PROJECT[/PREFIX], aws-sm:REGION[/PREFIX], "
    "azure-kv:VAULT[/PREFIX], vault:MOUNT/PATH"
)
_GCP_KEY = rf"projects/{_NAME}/locations/{_NAME}/keyRings/{_NAME}/cryptoKeys/{_NAME}"
_AWS_KEY = rf"{_AWS}/(?:alias/)?[A-Za-z0-9/_-]+"
_WRAPPERS = {
    "local": re.compile(""),
    "gcp-kms": re.compile(_GCP_KEY),
    "aws-kms": re.compile(_AWS_KEY),
    "azure-kv": re.compile(r"[A-Za-z0-9-]{3,24}/[A-Za-z0-9-]+"),
    "vault-transit": re.compile(rf"(?:{_NAME}/)+{_NAME}"),
}
_WRAPPER_FORMS = (
    "local:, gcp-kms:projects/…/cryptoKeys/KEY, aws-kms:REGION/KEY, azure-kv:VAULT/KEY, "
    "vault-transit:MOUNT/KEY"
)
_SIGNERS = {
    "gcp-kms": re.compile(rf"{_GCP_KEY}/cryptoKeyVersions/\d+"),
    "aws-kms": re.compile(_AWS_KEY),
    "azure-kv": re.compile(r"[A-Za-z0-9-]{3,24}/[A-Za-z0-9-]+(?:/[a-f0-9]+)?"),
    "vault-transit": re.compile(rf"(?:{_NAME}/)+{_NAME}"),
}
_SIGNER_FORMS = (
    "gcp-kms:projects/…/cryptoKeyVersions/N, aws-kms:REGION/KEY, azure-kv:VAULT/KEY[/VERSION], "
    "vault-transit:MOUNT/KEY"
)
_OPTIONAL = "?optional"


@dataclass(frozen=True, slots=True)
class KeptAt:
    """A place that keeps secrets or a key. `is_optional`: its failure does not stop the start."""

    kind: str
    path: str = ""
    is_optional: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"


def secret_sources(raw: str) -> tuple[KeptAt, ...]:
    """Sources in order, comma-separated, each `kind:path` with `?optional` after it or not."""
    found: list[KeptAt] = []
    for part in _parts(raw):
        place = _place(part.removesuffix(_OPTIONAL), _SOURCES, _SOURCE_FORMS)
        found.append(KeptAt(place.kind, place.path, part.endswith(_OPTIONAL)))
    if len({str(one) for one in found}) != len(found):
        raise ValueError("must name each source once")
    return tuple(found)


def wrapping_keys(raw: str) -> tuple[KeptAt, ...]:
    """Wrapping keys, comma-separated; the first wraps, the others only unwrap."""
    found = tuple(_place(part, _WRAPPERS, _WRAPPER_FORMS) for part in _parts(raw))
    if len(set(found)) != len(found):
        raise ValueError("must name each key once")
    return found


def signing_key(raw: str) -> KeptAt:
    """A key that signs without being shown."""
    return _place(raw, _SIGNERS, _SIGNER_FORMS)


def _parts(raw: str) -> list[str]:
    found = [part.strip() for part in raw.split(",") if part.strip()]
    if not found:
        raise ValueError("must name one at least")
    return found


def _place(text: str, known: dict[str, re.Pattern[str]], forms: str) -> KeptAt:
    kind, separator, path = text.partition(":")
    shape = known.get(kind)
    if not separator or shape is None or shape.fullmatch(path) is None or ".." in path.split("/"):
        raise ValueError(f"must be {forms}")
    return KeptAt(kind, path)

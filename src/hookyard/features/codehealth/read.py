"""From a report's bytes to its findings, whatever the bytes are; pure and bounded."""

import msgspec

from hookyard.features.codehealth.findings import read_findings
from hookyard.features.codehealth.model import Reading, Unreadable
from hookyard.features.codehealth.sarif import read_sarif
from hookyard.features.codehealth.words import one_line
from hookyard.kit.json import Json, JsonObject

MAX_BYTES = 20 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def read_report(raw: bytes) -> Reading:
    """The findings of a report in either format, told apart by what it holds."""
    if len(raw) > MAX_BYTES:
        return Unreadable("too_large", f"over {MAX_BYTES // 1024 // 1024} MiB")
    raw = raw.removeprefix(_BOM)
    if not raw.strip():
        return Unreadable("empty", "the report is empty")
    try:
        document: Json = msgspec.json.decode(raw)
    except RecursionError:
        return Unreadable("too_deep", "the JSON is nested too deeply")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable("not_json", f"not JSON: {one_line(str(error), 160)}")
    if isinstance(document, dict):
        return read_sarif(document) if _is_sarif(document) else read_findings(document)
    if isinstance(document, list):
        return read_findings(document)
    return Unreadable("no_findings", "the document is neither an object nor a list")


def _is_sarif(document: JsonObject) -> bool:
    return "runs" in document and "findings" not in document

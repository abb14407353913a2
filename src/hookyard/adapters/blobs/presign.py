"""Presigned GET addresses of S3, with the name a browser saves the blob under.

# spec: AWS Signature Version 4, authenticating requests by query parameters.
# why: the client library signs an address, but not with what the answer's headers shall be.
"""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from hookyard.kit.clock import Clock, to_rfc3339
from hookyard.kit.signing import hmac_sha256

_ALGORITHM = "AWS4-HMAC-SHA256"
_PLAIN = "-_.~"


@dataclass(frozen=True, slots=True)
class Presigner:
    """Signs for one bucket. `base` is the address that keys are appended to, with a slash."""

    base: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)
    clock: Clock

    def url(self, key: str, expires_s: int, filename: str) -> str:
        """An address that serves the object as a file to save, and stops after some seconds."""
        parts = urlsplit(self.base + quote(key, safe="/" + _PLAIN))
        stamp = _stamp(self.clock.now_ms())
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        query = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key_id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(expires_s),
            "X-Amz-SignedHeaders": "host",
            "response-content-disposition": f'attachment; filename="{filename}"',
            "response-content-type": "application/octet-stream",
        }
        if self.session_token is not None:
            query["X-Amz-Security-Token"] = self.session_token
        signed = "&".join(f"{_coded(k)}={_coded(v)}" for k, v in sorted(query.items()))
        request = f"GET\n{parts.path}\n{signed}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
        signature = hmac_sha256(self._signing_key(stamp[:8]), text.encode()).hex()
        return f"{parts.scheme}://{parts.netloc}{parts.path}?{signed}&X-Amz-Signature={signature}"

    def _signing_key(self, day: str) -> bytes:
        key = b"AWS4" + self.secret_access_key.encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key = hmac_sha256(key, part.encode())
        return key


def base_of(endpoint: str | None, bucket: str, region: str, prefix: str) -> str:
    """Where the objects of a bucket are: at the endpoint under the bucket's name, or at AWS."""
    if endpoint is not None:
        start = f"{endpoint}/{bucket}/"
    elif "." in bucket:
        start = f"https://s3.{region}.amazonaws.com/{bucket}/"
    else:
        start = f"https://{bucket}.s3.{region}.amazonaws.com/"
    return start + (f"{prefix}/" if prefix else "")


def _stamp(now_ms: int) -> str:
    """`20231114T221320Z`."""
    return to_rfc3339(now_ms)[:19].replace("-", "").replace(":", "") + "Z"


def _coded(text: str) -> str:
    return quote(text, safe=_PLAIN)

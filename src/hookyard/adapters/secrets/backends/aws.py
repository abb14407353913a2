"""Secrets in AWS Secrets Manager, wrapping and signing keys in AWS KMS.

The library that carries pointers over SQS signs these requests too; it is imported here only, and
its errors are passed on as their codes alone.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from hookyard.adapters.secrets import names
from hookyard.adapters.secrets.port import (
    MAX_SECRET,
    PREVIOUS,
    SecretDamaged,
    SecretDenied,
    SecretMissing,
    SecretTrouble,
    SecretUnreachable,
    SecretValue,
    Signature,
    WrappedKey,
)
from hookyard.kit.clock import Clock
from hookyard.kit.secret import Secret

PROVIDER = "aws-kms"
CALL_S = 5.0
PROBED = "hookyard-probe"
SIGNING = "RSASSA_PKCS1_V1_5_SHA_256"
MAX_MESSAGE = 4096
"""# spec: AWS KMS, "Sign": a raw message has up to 4,096 bytes."""
_MISSING = frozenset({"ResourceNotFoundException", "NotFoundException"})
_DENIED = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
    }
)
_DAMAGED = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class Client(Protocol):
    """The calls of the two clients that are used."""

    async def get_secret_value(self, **given: str) -> Mapping[str, object]: ...
    async def encrypt(self, **given: object) -> Mapping[str, object]: ...
    async def decrypt(self, **given: object) -> Mapping[str, object]: ...
    async def sign(self, **given: object) -> Mapping[str, object]: ...


class Maker(Protocol):
    """How the session makes a client."""

    def __call__(self, service: str, **given: object) -> AbstractAsyncContextManager[Client]: ...


@dataclass(frozen=True, slots=True)
class AwsOptions:
    """Which region and, where they are set, which key and endpoint; else AWS's own sources."""

    region: str
    endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None


class Aws:
    """One client of one service, opened at its first use."""

    def __init__(self, service: str, options: AwsOptions) -> None:
        self._service = service
        self._options = options
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Client | None = None

    @asynccontextmanager
    async def reach(self, label: str) -> AsyncIterator[Client]:
        """The client for one call. Errors are ours, and say no more than AWS's code."""
        try:
            async with asyncio.timeout(CALL_S):
                async with self._opening:
                    if self._client is None:
                        self._client = await self._opened.enter_async_context(self._made())
                yield self._client
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            raise _meant(label, code, is_refused=status in (401, 403)) from None
        except (NoCredentialsError, PartialCredentialsError):
            raise SecretDenied(f"{label}: this machine has no credentials of AWS") from None
        except (BotoCoreError, OSError, TimeoutError) as error:
            raise SecretUnreachable(f"{label} cannot be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Let go of connections."""
        await self._opened.aclose()

    def _made(self) -> AbstractAsyncContextManager[Client]:
        def revealed(secret: Secret | None) -> str | None:
            return None if secret is None else secret.reveal()

        given = self._options
        make: Maker = get_session().create_client
        return make(
            self._service,
            region_name=given.region,
            endpoint_url=given.endpoint,
            aws_access_key_id=given.access_key_id,
            aws_secret_access_key=revealed(given.secret_access_key),
            aws_session_token=revealed(given.session_token),
            config=AioConfig(
                connect_timeout=CALL_S, read_timeout=CALL_S, retries={"total_max_attempts": 1}
            ),
        )


class AwsSecrets:
    """See `SecretSource`. Secrets are named `PREFIX/setting-name`, or without a prefix."""

    def __init__(self, prefix: str, options: AwsOptions, clock: Clock) -> None:
        self.label = f"aws-sm:{options.region}" + (f"/{prefix}" if prefix else "")
        self._prefix = f"{prefix}/" if prefix else ""
        self._clock = clock
        self._aws = Aws("secretsmanager", options)

    def __repr__(self) -> str:
        return f"AwsSecrets({self.label!r})"

    async def get(self, ref: str, version: str | None = None) -> SecretValue:
        which = {"VersionId": version} if version else {"VersionStage": "AWSCURRENT"}
        if version == PREVIOUS:
            which = {"VersionStage": "AWSPREVIOUS"}
        secret_id = f"{self._prefix}{names.dashed(ref)}"
        async with self._aws.reach(self.label) as client:
            found = await client.get_secret_value(SecretId=secret_id, **which)
        text, binary = found.get("SecretString"), found.get("SecretBinary")
        value = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else binary
        if not isinstance(value, bytes) or len(value) > MAX_SECRET:
            raise SecretDamaged(f"{self.label}: {ref} is no secret of ours")
        return SecretValue(value, str(found.get("VersionId", "")), self._clock.now_ms())

    async def probe(self) -> None:
        try:
            await self.get(PROBED)
        except SecretMissing:
            return

    async def close(self) -> None:
        await self._aws.close()


class AwsKeyWrapper:
    """See `KeyWrapper`. `key` is a key's id, ARN or `alias/NAME`.

    # why: AWS rotates a key's material behind its id and does not say which it used, so the
    # version of a wrapped key is the key that an alias led to.
    """

    provider = PROVIDER

    def __init__(self, key: str, options: AwsOptions) -> None:
        self.key_ref = f"{options.region}/{key}"
        self._key = key
        self._aws = Aws("kms", options)

    def __repr__(self) -> str:
        return f"AwsKeyWrapper({self.key_ref!r})"

    async def wrap(self, dek: bytes, context: Mapping[str, str]) -> WrappedKey:
        async with self._aws.reach(f"{PROVIDER}:{self.key_ref}") as client:
            found = await client.encrypt(
                KeyId=self._key, Plaintext=dek, EncryptionContext=dict(context)
            )
        blob, used = found.get("CiphertextBlob"), str(found.get("KeyId", ""))
        if not isinstance(blob, bytes):
            raise SecretDamaged(f"{PROVIDER}:{self.key_ref} answered without a wrapped key")
        return WrappedKey(PROVIDER, self.key_ref, used.rpartition("/")[2], blob)

    async def unwrap(self, wrapped: WrappedKey, context: Mapping[str, str]) -> bytes:
        async with self._aws.reach(f"{PROVIDER}:{self.key_ref}") as client:
            found = await client.decrypt(
                KeyId=wrapped.key_version or self._key,
                CiphertextBlob=wrapped.blob,
                EncryptionContext=dict(context),
            )
        dek = found.get("Plaintext")
        if not isinstance(dek, bytes):
            raise SecretDamaged(f"{PROVIDER}:{self.key_ref} answered without a data key")
        return dek

    async def close(self) -> None:
        await self._aws.close()


class AwsSigner:
    """See `JwtSigner`. An RSA key for SIGN_VERIFY; it hashes what it signs itself."""

    def __init__(self, key: str, options: AwsOptions) -> None:
        self._key = key
        self._ref = f"{options.region}/{key}"
        self._aws = Aws("kms", options)

    def __repr__(self) -> str:
        return f"AwsSigner({self._ref!r})"

    async def sign(self, signing_input: bytes) -> Signature:
        if len(signing_input) > MAX_MESSAGE:
            raise SecretTrouble(f"{PROVIDER} signs {MAX_MESSAGE} bytes at most")
        async with self._aws.reach(f"{PROVIDER}:{self._ref}") as client:
            found = await client.sign(
                KeyId=self._key,
                Message=signing_input,
                MessageType="RAW",
                SigningAlgorithm=SIGNING,
            )
        signature = found.get("Signature")
        if not isinstance(signature, bytes) or found.get("SigningAlgorithm") != SIGNING:
            raise SecretDamaged(f"{PROVIDER}:{self._ref} answered without a signature")
        return Signature("RS256", "", signature)

    async def close(self) -> None:
        await self._aws.close()


def _meant(label: str, code: str, *, is_refused: bool) -> Exception:
    if code in _MISSING:
        return SecretMissing(f"{label} has nothing of that name")
    if is_refused or code in _DENIED:
        return SecretDenied(f"{label} refused our credentials ({code})")
    if code in _DAMAGED:
        return SecretDamaged("a wrapped data key was changed or belongs elsewhere")
    return SecretTrouble(f"{label} failed ({code[:60]})")

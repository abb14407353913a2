"""An S3 that checks signatures: moto's server as a process of its own, on a loopback port.

# why: it takes one request at a time. Moto looks whether an object is there and writes it in two
# steps without a lock; one at a time, its conditional writes are atomic as those of S3 are.
"""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import httpx2

REGION = "us-east-1"
BUCKET = "hookyard-test"
_POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
    '"Action":["s3:*","secretsmanager:GetSecretValue","kms:Encrypt","kms:Decrypt","kms:Sign"],'
    '"Resource":"*"}]}'
)
_SERVER = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
app = DomainDispatcherApplication(create_backend_app)
run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=False)
"""


@dataclass
class MotoServer:
    """A running server, a bucket in it, and the keys of the one account it knows."""

    process: "subprocess.Popen[bytes]"
    url: str
    access_key_id: str = ""
    secret_access_key: str = ""

    @classmethod
    def start(cls, log: Path) -> "MotoServer":
        """Start, make bucket and account, then have every signature checked."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        command = [sys.executable, "-c", _SERVER, str(port)]
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, env=env)
        server = cls(process, f"http://127.0.0.1:{port}")
        try:
            server._wait()
            server._furnish()
        except BaseException:
            server.stop()
            raise
        return server

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(10)

    def bucket(self, name: str) -> str:
        """A further bucket, empty; its name."""
        self._client("s3", self.access_key_id, self.secret_access_key).create_bucket(Bucket=name)
        return name

    @contextlib.contextmanager
    def trusting(self) -> Iterator[None]:
        """For a while no signature is checked."""
        self._trust(1_000_000)
        try:
            yield
        finally:
            self._trust(0)

    def client(self, service: str):  # type: ignore[no-untyped-def]
        """A client with every right, for use while the server is `trusting`."""
        return self._client(service)

    def uploads(self, bucket: str = BUCKET) -> list[str]:
        """Keys of uploads in parts that were neither finished nor given up."""
        s3 = self._client("s3", self.access_key_id, self.secret_access_key)
        found = s3.list_multipart_uploads(Bucket=bucket)
        return [upload["Key"] for upload in found.get("Uploads", [])]

    def _client(self, service: str, key: str = "any", *secret: str):  # type: ignore[no-untyped-def]
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret[0] if secret else "any",
        )

    def _furnish(self) -> None:
        iam = self._client("iam")
        iam.create_user(UserName="hookyard")
        iam.put_user_policy(UserName="hookyard", PolicyName="all", PolicyDocument=_POLICY)
        made = iam.create_access_key(UserName="hookyard")["AccessKey"]
        self.access_key_id, self.secret_access_key = made["AccessKeyId"], made["SecretAccessKey"]
        self.bucket(BUCKET)
        self._trust(0)

    def _trust(self, requests: int) -> None:
        """Take so many requests without looking at their signatures."""
        reset, text = f"{self.url}/moto-api/reset-auth", {"content-type": "text/plain"}
        httpx2.post(reset, content=str(requests).encode(), headers=text).raise_for_status()

    def _wait(self) -> None:
        for _ in range(200):
            if self.process.poll() is not None:
                raise RuntimeError("moto's server ended at its start")
            try:
                httpx2.get(f"{self.url}/moto-api/data.json")
            except httpx2.TransportError:
                time.sleep(0.05)  # why: the server has no signal that it is up
            else:
                return
        raise RuntimeError("moto's server did not come up")

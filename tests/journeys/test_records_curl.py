"""Records through curl and a shell, as people type it, against `hookyard up`."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Process, starting
from tests.support.tokens import signed

SECRET = "a-secret-of-at-least-thirty-two-bytes"
CREATE = """\
curl -X POST http://localhost:8080/v1/users \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "x-tenant-id: tenant-01" \\
  -H "Idempotency-Key: create-user-001" \\
  -H "Content-Type: application/json" \\
  -d '{
    "userId": "user-001",
    "displayName": "Agent User",
    "tenantId": "tenant-01"
  }'
"""
# why: the shell takes the quotes and curl takes the braces for its own, so that what is asked
# for is `where=userId:user-001`.
FIND = """\
curl -X GET http://localhost:8080/v1/users?where={"userId":"user-001"} \\
  -H "Authorization: Bearer $TOKEN" \\
  -H "x-tenant-id: tenant-01"
"""


def token(tenant: str) -> str:
    now_s = time.time_ns() // 1_000_000_000
    claims = {"service": "agent-gateway", "roles": ["admin"], "tenant": tenant}
    header = {"alg": "HS256", "typ": "JWT"}
    return signed(header, claims | {"iat": now_s, "exp": now_s + 300}, SECRET.encode())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("needs curl and bash")
    folder: Path = tmp_path_factory.mktemp("curl")
    with starting(folder) as start:
        process: Process = start("up", "--port", "0", JWT_SECRET=SECRET)
        yield str(process.until("ready")["url"])


def shell(command: str, address: str, tenant: str = "tenant-01") -> str:
    """What a command prints, with the address of this server in place of the usual one."""
    done = subprocess.run(
        ["bash", "-c", command.replace("http://localhost:8080", address)],
        env={"TOKEN": token(tenant), "PATH": "/usr/bin:/bin:/usr/local/bin", "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_the_commands_work_as_they_are_written(address: str) -> None:
    made = json.loads(shell(CREATE, address))
    assert (made["userId"], made["displayName"]) == ("user-001", "Agent User")
    assert made["tenantId"] == "tenant-01"
    found = json.loads(shell(FIND, address))
    assert found["items"] == [made]


def test_the_same_command_again_is_answered_from_memory(address: str) -> None:
    first = shell(CREATE, address)
    again = shell(CREATE.replace("curl ", "curl -i ", 1), address)
    assert "x-idempotent-replay: true" in again
    assert again.endswith(first)


def test_another_tenant_is_refused_and_finds_nothing(address: str) -> None:
    shell(CREATE, address)
    assert json.loads(shell(FIND, address, "tenant-02"))["code"] == "tenant_mismatch"
    own = FIND.replace("tenant-01", "tenant-02")
    assert json.loads(shell(own, address, "tenant-02"))["items"] == []

"""How we sign in to Vault or OpenBao: a token, an AppRole, or a Kubernetes service account.

# spec: developer.hashicorp.com/vault/api-docs/auth; Vault's own variables VAULT_ADDR,
# VAULT_NAMESPACE and VAULT_TOKEN.
"""

from collections.abc import Mapping
from pathlib import Path

import httpx2

from hookyard.adapters.secrets.bearer import LONGEST_S, Bearer
from hookyard.adapters.secrets.port import SecretDamaged, SecretDenied
from hookyard.adapters.secrets.rest import Rest
from hookyard.kit.clock import Clock
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import JsonObject, as_int, as_object, as_text

K8S_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105
REFUSED = frozenset({403})
"""# why: Vault answers 403 to a token that has ended, as to a missing right."""


class VaultLogin(Bearer):
    """Signs in at `address` with whatever the surroundings hold."""

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(Rest("Vault", transport), clock)
        self.address = vault_address(environ)
        self._environ = environ

    def carried(self, token: str) -> Mapping[str, str]:
        namespace = self._environ.get("VAULT_NAMESPACE", "").strip()
        found = {"x-vault-token": token, "x-vault-request": "true"}
        return found | ({"x-vault-namespace": namespace} if namespace else {})

    async def ask(self) -> tuple[str, float]:
        given = self._environ
        if token := given.get("VAULT_TOKEN", "").strip() or _file(given, "VAULT_TOKEN_FILE"):
            return token, LONGEST_S
        if role_id := given.get("VAULT_ROLE_ID", "").strip():
            secret_id = given.get("VAULT_SECRET_ID", "").strip() or _file(
                given, "VAULT_SECRET_ID_FILE"
            )
            return await self._login("approle", {"role_id": role_id, "secret_id": secret_id})
        if role := given.get("VAULT_K8S_ROLE", "").strip():
            path = given.get("VAULT_K8S_TOKEN_FILE", "").strip() or K8S_TOKEN
            return await self._login("kubernetes", {"role": role, "jwt": _text(path)})
        raise SecretDenied("Vault: set VAULT_TOKEN, or VAULT_ROLE_ID, or VAULT_K8S_ROLE")

    async def _login(self, method: str, sent: JsonObject) -> tuple[str, float]:
        mount = self._environ.get("VAULT_AUTH_MOUNT", "").strip().strip("/") or method
        headers = {name: value for name, value in self.carried("").items() if value}
        url = f"{self.address}/v1/auth/{mount}/login"
        found = (await self._rest.ask("POST", url, headers=headers, data=sent)).data
        auth = as_object(found.get("auth"))
        token, lives_s = as_text(auth.get("client_token")), as_int(auth.get("lease_duration"))
        if not token or not token.isascii() or not token.isprintable():
            raise SecretDamaged("Vault answered a sign-in without a token")
        # why: a lease of 0 is a token that does not end.
        return token, min(lives_s or LONGEST_S, LONGEST_S)


def vault_address(environ: Mapping[str, str]) -> str:
    """VAULT_ADDR without a slash at its end; https, but for this machine."""
    address = environ.get("VAULT_ADDR", "").strip().rstrip("/")
    is_local = address.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    if not address.startswith("https://") and not is_local:
        raise ConfigurationError("VAULT_ADDR must be an https address; vault: sources need it")
    return address


def _file(environ: Mapping[str, str], name: str) -> str:
    path = environ.get(name, "").strip()
    return _text(path) if path else ""


def _text(path: str) -> str:
    """# why: such files are renewed in place, so each sign-in reads them again."""
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretDenied(f"Vault: cannot read {path}: {type(error).__name__}") from None

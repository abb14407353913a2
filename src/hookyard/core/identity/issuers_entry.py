"""Reading one entry of the issuers file: every value by its name, with an error that says where."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hookyard.adapters.oidc.port import ALGORITHMS
from hookyard.core.identity.budgets import MOST, CallRate, rate_of
from hookyard.core.identity.issuers import MAX_LIFETIME_S
from hookyard.core.identity.model import DEFAULT_TENANT, Role, Scope
from hookyard.core.identity.service_tokens import TENANT, read_scope
from hookyard.kit.errors import ConfigurationError
from hookyard.kit.json import JsonObject

FILE = "HOOKYARD_ISSUERS_FILE"
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Entry:
    """One mapping of the file. `where` names it in errors."""

    where: str
    tree: JsonObject

    def wrong(self, reason: str) -> ConfigurationError:
        """An error about this entry."""
        return ConfigurationError(f"{FILE}, {self.where}: {reason}")

    def only(self, known: Iterable[str]) -> None:
        """Refuse names that mean nothing: a misspelt limit must not be no limit."""
        names = sorted(known)
        unknown = sorted(str(name) for name in self.tree if name not in names)
        if unknown:
            raise self.wrong(f"no such key {unknown[0]!r}; known are {', '.join(names)}")

    def text(self, name: str, default: str = "") -> str:
        """A text of one line."""
        value = self.tree.get(name, default)
        if not isinstance(value, str) or len(value) > 500 or not value.isprintable():
            raise self.wrong(f"{name} must be a text of one line; put numbers in quotes")
        return value.strip()

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A text, or a list of texts."""
        value = self.tree.get(name)
        if value is None:
            return default
        found = value if isinstance(value, list) else [value]
        if not found or not all(isinstance(one, str) and one.strip() for one in found):
            raise self.wrong(f"{name} must be a text or a list of texts; put numbers in quotes")
        return tuple(str(one).strip() for one in found)

    def algorithms(self, default: tuple[str, ...] = ()) -> frozenset[str]:
        """The algorithms an issuer's keys may be used with."""
        found = self.texts("algorithms", default)
        if not found or not ALGORITHMS.issuperset(found):
            raise self.wrong(f"algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
        return frozenset(found)

    def lifetime_s(self) -> int:
        """How long a token may last."""
        value = self.tree.get("max_lifetime_s", MAX_LIFETIME_S)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= DAY_S:
            raise self.wrong(f"max_lifetime_s must be 1 to {DAY_S} seconds")
        return value

    def rate(self) -> CallRate | None:
        """How often one may call, None where the entry does not say."""
        per_s, at_once = self.tree.get("calls_per_second"), self.tree.get("calls_at_once")
        if per_s is None:
            if at_once is not None:
                raise self.wrong("calls_at_once needs calls_per_second beside it")
            return None
        # why: what is no number compares as false, so the range has to be asked for.
        if not isinstance(per_s, int | float) or isinstance(per_s, bool) or not 0 <= per_s <= MOST:
            raise self.wrong(f"calls_per_second must be 0 (no limit) to {MOST}")
        if at_once is None:
            return rate_of(float(per_s))
        if not isinstance(at_once, int) or isinstance(at_once, bool) or not 0 < at_once <= MOST:
            raise self.wrong(f"calls_at_once must be a whole number, 1 to {MOST}")
        return CallRate(float(per_s), at_once)

    def role(self, name: str) -> Role:
        """One role."""
        return _role(self.text(name), self.wrong)

    def roles(self, name: str) -> frozenset[Role]:
        """Some roles, never none."""
        found = self.texts(name)
        if not found:
            raise self.wrong(f"{name} must list the roles that the issuer may give")
        return frozenset(_role(text, self.wrong) for text in found)

    def tenant(self, text: str) -> str:
        """The name of a tenant."""
        if TENANT.fullmatch(text) is None:
            raise self.wrong("a tenant is named by lower-case letters, digits and dashes")
        return text

    def scope(self, tenant: str = DEFAULT_TENANT) -> Scope | None:
        """A scope, None where the entry names none."""
        text = self.text("scope")
        if not text:
            return None
        scope = read_scope(text, tenant)
        if scope is None:
            raise self.wrong("scope must be `tenant`, `org:owner` or `repo:owner/name`, lower case")
        return scope


def _role(text: str, wrong: Callable[[str], ConfigurationError]) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise wrong(f"the roles there are: {', '.join(role.value for role in Role)}") from None

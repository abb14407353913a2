"""The table of roles as an `Authorizer`, and how an actor comes by another one.

An engine of policies (Cedar, OpenFGA) is one more class with these four methods. The table itself
is asked without an object in between: an actor without an authorizer is decided by it.
"""

from hookyard.core.identity.model import Actor, Decision, Scope
from hookyard.core.identity.rules import by_roles, scopes_by_roles, somewhere_by_roles


class RoleTable:
    """Decides by the fixed table of roles and actions; see `Authorizer`."""

    async def prepare(self, actor: Actor) -> Actor:
        """The actor as it is: its grants are all that the table needs."""
        return actor

    def authorize(self, actor: Actor, action: str, scope: Scope) -> Decision:
        return by_roles(actor, action, scope)

    def somewhere(self, actor: Actor, action: str) -> Decision:
        return somewhere_by_roles(actor, action)

    def scopes(self, actor: Actor, action: str) -> tuple[Scope, ...]:
        return scopes_by_roles(actor, action)


BY_ROLES = RoleTable()

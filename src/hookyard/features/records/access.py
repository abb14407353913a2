"""The gate of entities: may this caller do that, by its roles and by an authorizer in use."""

from hookyard.core.identity.model import Actor, Scope
from hookyard.core.identity.rules import authorize
from hookyard.features.records.rules import words
from hookyard.features.records.schema.model import Operation
from hookyard.features.records.shape import Access, Shape
from hookyard.kit.errors import Forbidden


def allow(actor: Actor, shape: Shape, operation: Operation, roles: int) -> Access:
    """What the caller may do with an entity; Forbidden when not this. An authorizer in use has
    to agree."""
    access = shape.access(roles)
    if operation not in access.operations:
        needed = words(shape.entity.roles[operation])
        raise Forbidden(f"to {operation.value} {shape.entity.name} takes the role {needed}")
    agree(actor, f"records.{operation.value}")
    return access


def agree(actor: Actor, action: str) -> None:
    """Forbidden when an authorizer is in use and does not let the caller do this."""
    if actor.authorizer is not None:
        decision = authorize(actor, action, Scope(tenant=actor.tenant))
        if not decision.allowed:
            raise Forbidden(decision.reason)

"""Which internet addresses an outgoing request may reach. Pure.

# spec: IANA's registries of special-purpose addresses (RFC 6890 and after), RFC 6598 (addresses
# of carriers' networks), RFC 6052 and RFC 3056 (IPv4 addresses inside IPv6 ones).
"""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network


class Reach(Enum):
    """How an address may be reached."""

    PUBLIC = "public"
    INSIDE = "inside"
    NEVER = "never"


# Of these an operator may allow a host: loopback, private networks, carriers' networks.
_INSIDE = tuple(
    ip_network(block)
    for block in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
        "::1/128", "fc00::/7",
    )
)  # fmt: skip
# why: clouds hand out credentials at these, some of them inside ranges that may be allowed.
_METADATA = frozenset(
    ip_address(one)
    for one in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192",
                "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
)  # fmt: skip
_NEVER = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_GLOBAL_V6 = ip_network("2000::/3")
_SPECIAL_V6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_NAT64 = IPv6Network("64:ff9b::/96")
_LOW_32 = 0xFFFF_FFFF


def reach_of(text: str) -> Reach:
    """How far away an address is. What is no address, or unknown, is never reached."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return Reach.NEVER
    return _reach(address)


def _reach(address: IPv4Address | IPv6Address) -> Reach:
    if address in _METADATA:
        return Reach.NEVER
    inner = _embedded(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return _reach(inner)
    if any(address in block for block in _INSIDE if block.version == address.version):
        return Reach.INSIDE
    if isinstance(address, IPv4Address):
        return Reach.NEVER if any(address in block for block in _NEVER) else Reach.PUBLIC
    is_special = address not in _GLOBAL_V6 or any(address in block for block in _SPECIAL_V6)
    return Reach.NEVER if is_special else Reach.PUBLIC


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that traffic to this one ends at: mapped, 6to4 or NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(int(address) & _LOW_32) if address in _NAT64 else None

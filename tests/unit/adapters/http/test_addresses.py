"""Addresses that a request to the outside must not reach, in every way they can be written."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookyard.adapters.http.addresses import Reach, reach_of

METADATA = [
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16",
    "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1", "::ffff:100.100.100.200",
]  # fmt: skip
NEVER = [
    "0.0.0.0", "0.1.2.3", "169.254.1.1", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",  # noqa: S104
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "fe80::1", "fe80::1%eth0", "ff02::1",
    "2001:db8::1", "2001::1", "100::1", "::127.0.0.1", "3fff::1", "fec0::1", "64:ff9b::e000:1",
]  # fmt: skip
INSIDE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.255", "::1", "fc00::1", "fd12:3456::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:a00:1::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "140.82.112.3", "172.32.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1",
    "2606:50c0:8000::153", "2a00:1450::1", "64:ff9b::808:808",
]  # fmt: skip
NO_ADDRESS = ["", "localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "1.2.3.4.5", "::g"]


@pytest.mark.parametrize("address", METADATA + NEVER + NO_ADDRESS)
def test_never_reached(address: str) -> None:
    assert reach_of(address) is Reach.NEVER


@pytest.mark.parametrize("address", INSIDE)
def test_reached_only_when_allowed(address: str) -> None:
    assert reach_of(address) is Reach.INSIDE


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached(address: str) -> None:
    assert reach_of(address) is Reach.PUBLIC


@given(st.ip_addresses())
def test_what_the_library_calls_local_is_never_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if reach_of(str(address)) is Reach.PUBLIC:
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        assert (inner or address).is_global or str(address).startswith("64:ff9b::")
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local

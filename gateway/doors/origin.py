"""Where a call comes from: the peer, or behind trusted proxies the address they vouch for (ASVS 4.1.3). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN = "unknown"
HOPS_MAX = 20
"""Entries of X-Forwarded-For that are looked at, from the nearest."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The trusted proxies as networks; an address is a network of one. Raises ValueError."""
    return tuple(ip_network(text, strict=False) for text in texts)


@lru_cache(maxsize=4_096)
def address_of(text: str) -> Address | None:
    """The address in ``text`` (an IPv4 address dressed as IPv6 is undressed), None where there is none."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def origin_of(peer: str, forwarded_for: Iterable[str], trusted: Iterable[Network]) -> str:
    """The nearest address that is not a trusted proxy, read from the peer backwards.

    What stands further left was written by strangers. An entry that is no address ends the search: the proxy that
    passed it on is named instead.
    """
    known = tuple(trusted)
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    last = address_of(peer)
    for hop in [*reversed(hops[-HOPS_MAX:])]:
        if last is None or not _is_trusted(last, known):
            break
        further = address_of(hop)
        if further is None:
            break
        last = further
    return str(last) if last else UNKNOWN


def _is_trusted(address: Address, trusted: tuple[Network, ...]) -> bool:
    return any(address in network for network in trusted)


def is_loopback(text: str) -> bool:
    """Whether ``text`` names the machine itself."""
    address = address_of(text.strip("[]"))
    return text == "localhost" or (address is not None and address.is_loopback)

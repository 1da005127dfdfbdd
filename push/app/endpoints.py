"""Whether an endpoint that a user handed in may be posted to at all (SSRF). Pure: no name is looked up here.

An endpoint comes from a device, so that it may name anything this house can reach. Two checks stand in a row: this
one over the address as it is written, when a subscription is stored and again before each sending, and the one of
``push.app.connecting`` over the addresses that the name means at the moment of connecting (a name may point elsewhere
by then: DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

import msgspec

ENDPOINT_MAX: Final = 1000
"""Characters (unifiedpush: "at most 1000 bytes")."""
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_WRITTEN: Final = re.compile(r"[!-~]+", re.ASCII)
"""Printable ASCII without a space: what parsers of URLs disagree about (tabs, line ends, other scripts) stays out."""
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_LOCAL: Final = ("localhost", "localdomain")
_CARRYING_IPV4: Final = ipaddress.ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last 32 bits are an IPv4 address."""


class EndpointFault(ValueError):
    """The endpoint may not be posted to; ``code`` says why in one word, never showing the endpoint: it is a secret."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class EndpointRules(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What an installation allows beyond https to public addresses on port 443."""

    hosts: tuple[str, ...] = ()
    """Hosts that may lie at private addresses, be named by an address, and be asked on any port: our own push
    service, a push server of the house. ``"push.example.gov.cn"``, ``"10.1.2.3"``."""
    networks: tuple[str, ...] = ()
    """Private networks that any endpoint may lie in: ``"10.20.0.0/16"``."""
    ports: tuple[int, ...] = (HTTPS_PORT,)
    http: bool = False
    """Whether ``hosts`` may be asked without TLS: trials, a service on this machine."""

    def __post_init__(self) -> None:
        for field in ("hosts", "networks", "ports"):
            self._check(field)

    def _check(self, field: str) -> None:
        try:
            _ = self.allowed_hosts if field == "hosts" else self.allowed_networks
        except ValueError as why:
            raise ValueError(f"{field}: {why}") from None
        if field == "ports" and not all(0 < port < 65536 for port in self.ports):
            raise ValueError(f"ports: {self.ports} names no port")

    @cached_property
    def allowed_hosts(self) -> frozenset[str]:
        """The hosts as they are compared."""
        return frozenset(host.lower().rstrip(".") for host in self.hosts)

    @cached_property
    def allowed_networks(self) -> tuple[Network, ...]:
        """The networks, read."""
        return tuple(ipaddress.ip_network(network) for network in self.networks)


class Endpoint(msgspec.Struct, frozen=True):
    """An endpoint that passed. Opaque and secret: whoever knows it may send."""

    url: str
    origin: str
    """scheme://host[:port], as in the claim ``aud`` (RFC 8292 §2)."""
    host: str
    port: int


def check_endpoint(url: str, rules: EndpointRules) -> Endpoint:
    """The endpoint in parts. Raises EndpointFault; the words are those of the lines below."""
    if not url or len(url) > ENDPOINT_MAX:
        raise EndpointFault("length")
    if not _WRITTEN.fullmatch(url) or "\\" in url or "#" in url:
        raise EndpointFault("characters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise EndpointFault("unreadable") from None
    if "@" in parts.netloc:
        raise EndpointFault("credentials")
    ours = host in rules.allowed_hosts
    _check_scheme(parts.scheme, allowed=ours and rules.http)
    _check_host(host, rules, ours=ours)
    usual = HTTPS_PORT if parts.scheme == "https" else HTTP_PORT
    told = usual if port is None else port
    if (not ours and told not in rules.ports) or not told:
        raise EndpointFault("port")
    shown = f"[{host}]" if ":" in host else host
    tail = "" if port in {None, usual} else f":{port}"
    return Endpoint(url, f"{parts.scheme}://{shown}{tail}", host, told)


def _check_scheme(scheme: str, *, allowed: bool) -> None:
    if scheme != "https" and not (scheme == "http" and allowed):
        raise EndpointFault("scheme")


def _check_host(host: str, rules: EndpointRules, *, ours: bool) -> None:
    """A name of the DNS, or an address in its one usual form: ``0x7f.1`` means 127.0.0.1 to some resolvers."""
    address = read_address(host)
    if address is not None:
        if not ours and not address_allowed(address, rules.allowed_networks):
            raise EndpointFault("address")
        return
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
        raise EndpointFault("host")
    if _NUMBER.fullmatch(labels[-1]):
        raise EndpointFault("host")
    if not ours and (len(labels) == 1 or labels[-1] in _LOCAL):
        raise EndpointFault("local_name")


def read_address(text: str) -> Address | None:
    """The IP address that a text is in its usual form; None for a name, and for an address of one interface."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.scope_id else address


def address_allowed(address: Address, networks: Iterable[Network] = ()) -> bool:
    """Whether an address is public, or lies in one of ``networks``.

    Judged by the address that is meant in the end: IPv4 within IPv6 (mapped, 6to4, Teredo, NAT64) is IPv4.
    """
    if any(address.version == network.version and address in network for network in networks):
        return True
    if isinstance(address, ipaddress.IPv6Address) and (inner := _carried(address)):
        return all(address_allowed(one, networks) for one in inner)
    # is_global: not private, loopback, link-local, shared (RFC 6598), documentation or reserved.
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """The IPv4 addresses within an IPv6 one."""
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)
    if address.sixtofour:
        return (address.sixtofour,)
    if address.teredo:
        return address.teredo
    if address in _CARRYING_IPV4 or int(address) >> 32 == 0:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()

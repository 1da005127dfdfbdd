"""Connections to hosts that users named: only to addresses that are allowed at the moment of connecting.

The name is looked up once and the connection goes to the very addresses that were checked, so that a name which
points elsewhere a moment later (DNS rebinding) gains nothing. The certificate is still checked against the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

from push.app.endpoints import Endpoint, EndpointRules, address_allowed, read_address

ADDRESS_TIMEOUT_S = 3.0
"""For one of several addresses of a name: a network without a working IPv6 shows only here."""

P = TypeVar("P", bound=asyncio.BaseProtocol)

LookUp = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name. Raises OSError."""


class AddressRefused(OSError):
    """A name means only addresses of our own network, and nobody listed them."""


async def system_look_up(host: str, port: int) -> list[str]:
    """As the system resolves names."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def allowed_addresses(endpoint: Endpoint, rules: EndpointRules, look_up: LookUp) -> list[str]:
    """Where a connection may go. Raises AddressRefused where nothing is left, OSError where the name is unknown."""
    found = [endpoint.host] if read_address(endpoint.host) else await look_up(endpoint.host, endpoint.port)
    if endpoint.host in rules.allowed_hosts:
        return found
    read = [(text, read_address(text)) for text in found]
    kept = [text for text, one in read if one and address_allowed(one, rules.allowed_networks)]
    if not kept:
        raise AddressRefused("no address of the name may be connected to")
    return kept


async def connect(
    make: Callable[[], P],
    endpoint: Endpoint,
    rules: EndpointRules,
    tls: ssl.SSLContext,
    look_up: LookUp = system_look_up,
) -> P:
    """A connection to one of the allowed addresses, one tried after the other. Raises OSError."""
    addresses = await allowed_addresses(endpoint, rules, look_up)
    secure = endpoint.url.startswith("https:")
    loop = asyncio.get_running_loop()
    failed: OSError = OSError("no address")
    for number, address in enumerate(addresses, 1):
        try:
            async with asyncio.timeout(ADDRESS_TIMEOUT_S if number < len(addresses) else None):
                _, protocol = await loop.create_connection(
                    make,
                    address,
                    endpoint.port,
                    ssl=tls if secure else None,
                    server_hostname=endpoint.host if secure else None,
                )
                return protocol
        except OSError as why:
            failed = why
    raise failed

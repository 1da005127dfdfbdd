"""Connections to hosts that users named: only to addresses that are allowed at the moment of connecting.

The name is looked up once and the connection goes to the very addresses that were checked, so that a name which
points elsewhere a moment later (DNS rebinding) gains nothing. The certificate is still checked against the name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from push.app.endpoints import EndpointRules, address_allowed

DNS_KEPT_S: Final = 60
"""How long the addresses of a name are kept, all of them checked."""


class AddressRefused(OSError):
    """A name means an address of our own network, and nobody listed it."""


class GuardedResolver(AbstractResolver):
    """Looks a name up and keeps what may be connected to. Raises AddressRefused where nothing is left."""

    def __init__(self, rules: EndpointRules, inner: AbstractResolver | None = None) -> None:
        self._rules = rules
        self._inner = inner or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of a name."""
        found = await self._inner.resolve(host, port, family)
        if host.rstrip(".").lower() in self._rules.allowed_hosts:
            return found
        kept = [one for one in found if self._may(one["host"])]
        if not kept:
            raise AddressRefused(f"{host}: no address that may be connected to")
        return kept

    def _may(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return address_allowed(address, self._rules.allowed_networks)

    async def close(self) -> None:
        """Let go of the inner resolver."""
        await self._inner.close()


def open_session(
    rules: EndpointRules,
    *,
    connections_max: int,
    connect_timeout_s: float,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
) -> aiohttp.ClientSession:
    """A client for endpoints of users: guarded, keep-alive, no cookies, no proxy of the environment, no waits without end.

    ``tls`` where the installation has authorities of its own. Whoever posts passes ``allow_redirects=False``.
    """
    connector = aiohttp.TCPConnector(
        limit=connections_max,
        resolver=GuardedResolver(rules, resolver),
        ttl_dns_cache=DNS_KEPT_S,
        ssl=tls or True,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_timeout_s, sock_connect=connect_timeout_s),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
    )

"""The side that is connected to: our listener for a carrier that reports over its own connection (SGIP), and simulators.

A listener judges who may log in (``admit``), from where (``networks``), and how many at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

import msgspec
import structlog

from inbox_store.times import Clock, system_now
from push.sms.carrier import Hello, Inbound, Reply, Report, ServerDialect, Submitted
from push.sms.happenings import RULES, Answered, Closed, Happening, InDoubt, SessionRules
from push.sms.intake import Intake
from push.sms.session import ServerSession
from push.sms.wire import Wire, ticks

log = structlog.get_logger("sms")

Admit = Callable[["Caller", Hello], tuple[int, str]]
"""The protocol's code for the log-in (0 lets it in), and the secret that the answer is proved with."""


async def nothing_comes(inbounds: Sequence[Inbound]) -> None:
    """Whoever connects has nothing to tell: what comes all the same is not answered. Raises ValueError."""
    raise ValueError(f"{len(inbounds)} reports or replies at a listener that takes none")


def no_submits(_caller: Caller, _asked: Submitted) -> None:
    """Submits are not taken here, nor answered."""


def no_word(_caller: Caller, _told: Answered[object] | InDoubt[object]) -> None:
    """Nobody asks whether reports arrived."""


def no_end(_caller: Caller, _closed: Closed) -> None:
    """Nobody asks who left."""


class ListenerHandlers(NamedTuple):
    """The house behind a listener."""

    admit: Admit
    inbound: Callable[[Sequence[Inbound]], Awaitable[None]] = nothing_comes
    """As ``Handlers.inbound``."""
    submitted: Callable[[Caller, Submitted], None] = no_submits
    """A submit; ``Caller.answer`` answers it, now or later."""
    told: Callable[[Caller, Answered[object] | InDoubt[object]], None] = no_word
    """What became of a report or a reply, and later that there is room in the window again."""
    closed: Callable[[Caller, Closed], None] = no_end


class ListenerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a listener."""

    session: SessionRules = RULES
    callers_max: int = 64
    """Connections at once; above it new ones are closed unheard (sgip §4: code 3 is above 60)."""
    networks: tuple[str, ...] = ()
    """Source networks that may connect (``10.0.0.0/8``); empty for all."""
    stop_timeout_s: float = 10
    inbound_max: int = 1_000
    batch_max: int = 256


class Caller:
    """Somebody connected. ``session`` is theirs; what is sent leaves at the end of the turn of the loop."""

    def __init__(self, session: ServerSession[object], wire: Wire[object]) -> None:
        self.session = session
        self.wire = wire

    @property
    def account(self) -> str:
        """Who they say they are."""
        return self.session.account

    def answer(self, asked: Submitted, message_id: str, code: int) -> None:
        """Answer a submit; 0 accepts it."""
        self.session.answer(asked, message_id, code)
        self.wire.soon()

    def report(self, report: Report, source: str, submitted_at: int, token: object = None) -> bool:
        """Send a report; False where their window is full or they are gone."""
        sent = self.session.report(report, source, submitted_at, token, ticks())
        self.wire.soon()
        return sent

    def reply(self, reply: Reply, message_id: str, token: object = None) -> bool:
        """Send a message from a phone; False where their window is full or they are gone."""
        sent = self.session.reply(reply, message_id, token, ticks())
        self.wire.soon()
        return sent


class Listener:
    """Takes connections from ``start`` to ``stop``."""

    def __init__(
        self,
        dialects: Callable[[], ServerDialect],
        handlers: ListenerHandlers,
        limits: ListenerLimits | None = None,
        *,
        clock: Clock = system_now,
    ) -> None:
        self.callers: dict[Wire[object], Caller] = {}
        self._dialects = dialects
        self._handlers = handlers
        self._limits = limits or ListenerLimits()
        self._clock = clock
        self._networks = [_network(one) for one in self._limits.networks]
        self._intake = Intake(
            handlers.inbound, waiting_max=self._limits.inbound_max, batch_max=self._limits.batch_max
        )
        self._server: asyncio.Server | None = None
        self._storing: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on. Raises RuntimeError before ``start``."""
        if self._server is None:
            raise RuntimeError("the listener has not been started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Listen; port 0 takes any that is free."""
        self._storing = asyncio.create_task(self._intake.run(), name="sms listener")
        self._server = await asyncio.get_running_loop().create_server(self._wire, host, port, ssl=tls)

    async def stop(self) -> None:
        """Let nobody in, end all connections in order within ``stop_timeout_s``, then at once."""
        if self._server is not None:
            self._server.close()
        wires = list(self.callers)
        for wire in wires:
            wire.leave()
        if wires:
            await asyncio.wait([wire.ended for wire in wires], timeout=self._limits.stop_timeout_s)
        for wire in wires:
            wire.cut()
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.gather(self._storing, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _wire(self) -> Wire[object]:
        session: ServerSession[object] = ServerSession(self._dialects(), self._clock, self._limits.session)
        return _ServedWire(session, self._heed, self._enter)

    def _enter(self, wire: Wire[object], session: ServerSession[object]) -> bool:
        if len(self.callers) >= self._limits.callers_max or not self._is_allowed(wire.peer):
            log.warning("sms.turned_away", peer=wire.peer)
            return False
        self.callers[wire] = Caller(session, wire)
        return True

    def _is_allowed(self, peer: str) -> bool:
        return not self._networks or any(ip_address(peer) in network for network in self._networks)

    def _heed(self, wire: Wire[object], told: list[Happening[object]]) -> None:
        caller = self.callers.get(wire)
        if caller is None:
            return
        for one in told:
            if isinstance(one, Submitted):
                self._handlers.submitted(caller, one)
            elif isinstance(one, Answered | InDoubt):
                self._handlers.told(caller, one)
            elif isinstance(one, Inbound):
                self._intake.put(wire, one)
            elif isinstance(one, Hello):
                self._greet(caller, one)
            elif isinstance(one, Closed):
                del self.callers[wire]
                self._handlers.closed(caller, one)

    def _greet(self, caller: Caller, hello: Hello) -> None:
        code, secret = self._handlers.admit(caller, hello)
        if code:
            log.warning("sms.login_refused", peer=caller.wire.peer, account=hello.account, code=code)
        caller.wire.tell(caller.session.welcome(hello, code, secret, ticks()))
        caller.wire.soon()


class _ServedWire(Wire[object]):
    """A connection that is looked at before a byte of it is read."""

    def __init__(
        self,
        session: ServerSession[object],
        heed: Callable[[Wire[object], list[Happening[object]]], None],
        enter: Callable[[Wire[object], ServerSession[object]], bool],
    ) -> None:
        super().__init__(session, heed)
        self._session = session
        self._enter = enter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        super().connection_made(transport)
        if not self._enter(self, self._session):
            self.cut()


def _network(told: str) -> IPv4Network | IPv6Network:
    return IPv4Network(told) if "." in told else IPv6Network(told)

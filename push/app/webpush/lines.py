"""Connections to push services, kept open per origin: one request at a time on each, every wait with a limit."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from typing import Final, cast

from push.app.connecting import AddressRefused, LookUp, connect, system_look_up
from push.app.endpoints import Endpoint, EndpointRules
from push.app.webpush.http1 import HEAD_MAX, BadAnswer, Head, read_head

KEPT_S: Final = 30.0
"""How long a connection is kept unused: shorter than the servers', so that none closes while we write."""


class Unreached(Exception):
    """Nothing was written: it may be sent again. ``refused``: the name leads where nobody may go."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class Unanswered(Exception):
    """It was written, and no answer came."""


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = b""
        self._answer: asyncio.Future[Head] | None = None
        self._left: int | None = 0
        self._keeps = True
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is up."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._keeps = False
        self._fail(type(exc).__name__ if exc else "closed")

    @property
    def serves(self) -> bool:
        """Whether the next request may go over it: the answer was read to its end, and nothing more came."""
        return self._keeps and self._left == 0 and not self._read and not self._transport.is_closing()

    async def ask(self, request: bytes, timeout_s: float) -> Head:
        """Write, and wait for the head of the answer. Raises Unanswered; cancelled, the connection is cut."""
        answer: asyncio.Future[Head] = self._loop.create_future()
        self._answer = answer
        self._left = None
        timer = self._loop.call_later(timeout_s, self._fail, "timeout")
        self._transport.write(request)
        try:
            return await answer
        except BaseException:
            self.cut()
            raise
        finally:
            timer.cancel()
            self._answer = None

    def cut(self) -> None:
        """Let go of it at once."""
        self._keeps = False
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """A part of an answer, or of its body."""
        self._read = self._read + data if self._read else data
        try:
            while self._left is None and self._keeps and self._head():
                pass
        except BadAnswer as why:
            self._fail(str(why))
        if self._left:
            self._left, self._read = max(0, self._left - len(self._read)), self._read[self._left :]
        if self._answer is None and self._read:
            self.cut()  # nobody has asked

    def _head(self) -> bool:
        """Read a head where it is whole; provisional ones (1xx) go by. Whether there may be another."""
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            if len(self._read) > HEAD_MAX:
                raise BadAnswer("head too long")
            return False
        head, self._read = read_head(self._read[:end]), self._read[end + 4 :]
        if head.status < 200:
            return True
        self._left, self._keeps = head.length, head.keeps and head.length is not None
        if self._answer and not self._answer.done():
            self._answer.set_result(head)
        return False

    def _fail(self, why: str) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(Unanswered(why))


class Lines:
    """All connections of one sender. How many are open at once is the sender's to limit."""

    def __init__(
        self,
        rules: EndpointRules,
        *,
        connect_timeout_s: float,
        answer_timeout_s: float,
        tls: ssl.SSLContext | None = None,
        look_up: LookUp = system_look_up,
    ) -> None:
        self._rules = rules
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._tls = tls or ssl.create_default_context()
        self._look_up = look_up
        self._loop = asyncio.get_running_loop()
        self._idle: defaultdict[str, list[Line]] = defaultdict(list)
        self._busy: set[Line] = set()
        self._closed = False
        self._sweeping: asyncio.TimerHandle | None = None

    async def ask(self, endpoint: Endpoint, request: bytes) -> Head:
        """The answer to one request. Raises Unreached and Unanswered."""
        line = self._kept(endpoint.origin) or await self._connected(endpoint)
        if self._closed:
            line.cut()
            raise Unreached("stopped")
        self._busy.add(line)
        try:
            return await line.ask(request, self._answer_timeout_s)
        finally:
            self._busy.discard(line)
            self._put_back(endpoint.origin, line)

    def close(self) -> None:
        """Cut everything, and connect no more; what is asked and not answered ends with Unanswered."""
        self._closed = True
        if self._sweeping:
            self._sweeping.cancel()
            self._sweeping = None
        for line in (*self._busy, *(one for lines in self._idle.values() for one in lines)):
            line.cut()
        self._idle.clear()

    def _kept(self, origin: str) -> Line | None:
        lines = self._idle.get(origin)
        while lines:
            line = lines.pop()
            if line.serves and self._loop.time() - line.idle_since < KEPT_S:
                return line
            line.cut()
        return None

    async def _connected(self, endpoint: Endpoint) -> Line:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await connect(Line, endpoint, self._rules, self._tls, self._look_up)
        except AddressRefused as why:
            raise Unreached(type(why).__name__, refused=True) from None
        except (OSError, ValueError) as why:
            # TimeoutError and ssl.SSLError are OSErrors; ValueError is a name that no resolver takes.
            raise Unreached(type(why).__name__) from None

    def _put_back(self, origin: str, line: Line) -> None:
        if not line.serves:
            line.cut()
            return
        line.idle_since = self._loop.time()
        self._idle[origin].append(line)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(KEPT_S, self._sweep)

    def _sweep(self) -> None:
        """Let go of what nobody used; again while something is kept."""
        old = self._loop.time() - KEPT_S
        for origin, lines in tuple(self._idle.items()):
            for line in lines:
                if line.idle_since <= old or not line.serves:
                    line.cut()
            self._idle[origin] = [line for line in lines if line.serves]
            if not self._idle[origin]:
                del self._idle[origin]
        self._sweeping = self._loop.call_later(KEPT_S, self._sweep) if self._idle else None

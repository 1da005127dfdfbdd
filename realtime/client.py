"""The other end: follows one's own inbox, comes back after every break, and yields each item once.

Used by `songda listen`, by the demo's clerks and by tests; a browser does the same in a few lines (docs/live.md).
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime.frames import (
    Ack,
    Bye,
    Changes,
    ClientMessage,
    Counts,
    Hello,
    Notice,
    Ping,
    Pong,
    ServerMessage,
    Welcome,
    parse_server,
    say,
)
from realtime.items import Item
from realtime.positions import Mark, MemoryPositions, PositionStore
from realtime.reconnect import LINE_LOST, Backoff, retry_after_s, verdict

log = structlog.get_logger("realtime")

SERVER_FRAME_MAX_BYTES: Final = 16 * 1024 * 1024
OPEN_TIMEOUT_S: Final = 10
CLOSE_TIMEOUT_S: Final = 3
DENIALS_MAX: Final = 2
"""Fresh credentials refused so many times in a row mean that the person may not connect."""

REASONS: Final = {
    "denied": "服务器不接受凭证，请重新登录",
    "replaced": "同一人的连接过多，本连接已让出",
    "refused": "服务器拒绝实时连接",
}


class Credential(NamedTuple):
    """What the hello shows: a one-use ticket, or an access token. Exactly one of them."""

    ticket: str | None = None
    token: str | None = None


class LiveRefusedError(Exception):
    """The server will not have this client, and coming back would not help; the text says why."""


class ClientOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to connect and to come back. ``chance`` gives numbers in [0, 1), ``pause`` waits so many seconds.

    ``noticed`` is called with each notice that is pushed; those of before are read through the API.
    """

    tls: ssl.SSLContext | None = None
    backoff: Backoff = Backoff()
    chance: Callable[[], float] = random.random
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    noticed: Callable[[Notice], None] = lambda _notice: None


class LiveClient:
    """One device of one person. Use as ``async with LiveClient(...) as live: async for item in live: ...``.

    An item counts as taken when the next one is asked for; when all of a frame are taken, the position is saved and
    acked. A program that ends in the middle of a frame is given that frame again. ``credential`` is asked before
    each connection, because tickets are used up; ``hello`` names device and app. Raises LiveRefusedError.
    """

    def __init__(
        self,
        url: str,
        credential: Callable[[], Awaitable[Credential]],
        *,
        hello: Hello | None = None,
        positions: PositionStore | None = None,
        options: ClientOptions | None = None,
    ) -> None:
        self._url = url
        self._credential = credential
        self._hello = hello or Hello()
        self._positions = positions if positions is not None else MemoryPositions()
        self._options = options or ClientOptions()
        self._line: ClientConnection | None = None
        self._given: Changes | None = None
        self._items: deque[Item] = deque()
        self._attempt = 0
        self._denials = 0
        self._bye_s: float | None = None
        self._acked = self._answered = 0
        self.mark: Mark | None = self._positions.load()
        self.welcome: Welcome | None = None
        self.counts: Counts | None = None
        self.restarts = 0
        """How many times the server could not resume from our mark: the inbox is then to be read through the API."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            self._items.extend((await self.take()).items)
        return self._items.popleft()

    @property
    def connected(self) -> bool:
        """Whether a welcomed connection stands, as far as is known."""
        return self._line is not None

    async def connect(self) -> ClientConnection:
        """Connect, however many attempts it takes; without it the first ``take`` does."""
        while self._line is None:
            try:
                self._line = await self._open()
            except LINE_LOST as why:
                await self._lost(why)
        return self._line

    async def take(self) -> Changes:
        """The next frame with items. Asking again says that the former one was taken."""
        await self.done()
        while True:
            line = await self.connect()
            try:
                message = await self._receive(line)
            except LINE_LOST as why:
                await self._lost(why)
                continue
            self._heed(message)
            if self._given and self._given.items:
                return self._given
            await self.done()

    async def done(self) -> None:
        """Say that the last frame was taken, without asking for another; in the middle of a frame nothing happens."""
        given = self._given
        if given is None or self._items:
            return
        self._given = None
        self._keep(given.position)
        await self._tell(Ack(position=given.position))
        self._acked = given.position

    async def close(self) -> None:
        """End the connection, politely."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    # -- one connection

    async def _open(self) -> ClientConnection:
        credential = await self._credential()
        line = await connect(
            self._url,
            compression=None,
            proxy=None,
            ssl=self._options.tls,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=SERVER_FRAME_MAX_BYTES,
        )
        try:
            await line.send(say(self._introduce(credential)))
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                self._welcomed(await self._first_word(line))
        except BaseException:
            await line.close()
            raise
        return line

    def _introduce(self, credential: Credential) -> Hello:
        mark = self.mark
        return msgspec.structs.replace(
            self._hello,
            ticket=credential.ticket,
            token=credential.token,
            position=mark.position if mark else None,
            epoch=mark.epoch if mark else None,
            acked=mark.acked if mark else None,
        )

    async def _first_word(self, line: ClientConnection) -> Welcome:
        while True:
            message = parse_server(await line.recv())
            if isinstance(message, Welcome):
                return message
            log.debug("live.before_welcome", message=repr(message))

    def _welcomed(self, welcome: Welcome) -> None:
        self._attempt = self._denials = 0
        self._bye_s = None
        if self.mark is not None and not welcome.resumed:
            self.restarts += 1
        self.welcome = welcome
        if not welcome.resumed:
            self.mark = Mark(epoch=welcome.epoch, position=welcome.position, acked=welcome.position)
            self._positions.save(self.mark)
        self._acked = self._answered = welcome.position

    async def _receive(self, line: ClientConnection) -> ServerMessage:
        """The next message; a quiet line is asked how far it is, so that a later catch-up has little to look at."""
        quiet_s = self.welcome.heartbeat_s if self.welcome else None
        while True:
            try:
                async with asyncio.timeout(quiet_s):
                    return parse_server(await line.recv())
            except TimeoutError:
                await line.send(say(Ping()))

    def _heed(self, message: ServerMessage) -> None:
        match message:
            case Changes():
                self._given = message
            case Counts():
                self.counts = message
            case Bye():
                self._bye_s = message.reconnect_ms / 1000
            case Notice():
                self._options.noticed(message)
            case Pong():
                self._pong(message)
            case _:
                log.debug("live.heard", message=repr(message))

    def _pong(self, pong: Pong) -> None:
        """What was acked before the last ping but one has surely been written down by now."""
        safe, self._answered = self._answered, self._acked
        self._keep(pong.position, acked=safe)

    def _keep(self, position: int, acked: int = 0) -> None:
        mark = self.mark
        if mark is None:
            return
        kept = Mark(epoch=mark.epoch, position=max(mark.position, position), acked=max(mark.acked, acked))
        if kept != mark:
            self.mark = kept
            self._positions.save(kept)

    async def _tell(self, message: ClientMessage) -> None:
        """Send if there is a line; what is lost with it is told again in the next hello."""
        if self._line is None:
            return
        try:
            await self._line.send(say(message))
        except ConnectionClosed as why:
            log.debug("live.not_told", why=repr(why))

    async def _lost(self, why: Exception) -> None:
        """The connection ended: wait for the next attempt. Raises LiveRefusedError."""
        await self.close()
        judged = verdict(why)
        self._denials += judged == "denied"
        if judged in {"replaced", "refused"} or self._denials >= DENIALS_MAX:
            raise LiveRefusedError(f"{REASONS[judged]}（{why}）") from why
        pause_s = self._options.backoff.pause_s(self._attempt, self._options.chance())
        if self._bye_s is not None:
            pause_s, self._bye_s = self._bye_s, None
        self._attempt += 1
        await self._options.pause(max(pause_s, retry_after_s(why)))

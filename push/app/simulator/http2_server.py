"""A far end over HTTP/2 and TLS: hands each request to its desk, and does to it what the script says."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol, cast

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from push.app.simulator.http2_script import TAKING, Deed, Http2Script, Player

JUNK: Final = b"\x00\x00\x08\x06\x00\x00\x00\x00\x05junkjunk" * 3
"""A PING on a stream: no peer may send one."""
ENDS_WITHIN_S: Final = 2


class Heard(NamedTuple):
    """One request; header names as they came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Without a query."""
        return self.headers.get(":path", "").partition("?")[0]


class Reply(NamedTuple):
    """What is answered; ``taken`` where the desk has put it on its count."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    taken: bool = False


class Desk(Protocol):
    """A vendor behind the server."""

    name: str

    def is_login(self, heard: Heard) -> bool:
        """Whether it is one that the script leaves alone."""
        ...

    def answer(self, heard: Heard) -> Reply:
        """Check it, count it, answer it."""
        ...

    def turned_away(self, deed: Deed, heard: Heard) -> Reply:
        """The answer to ``busy``, ``empty`` or ``error``: nothing was taken."""
        ...


class Http2Server:
    """Listens on one port. ``counts`` says what befell requests and connections."""

    def __init__(self, desk: Desk, tls: ssl.SSLContext, script: Http2Script | None = None) -> None:
        self.desk = desk
        self.script = script or Http2Script()
        self.counts: Counter[str] = Counter()
        """Requests by deed; ``connections``; ``violations``: peers that broke the protocol."""
        self.player = Player(self.script, desk.name)
        self.proven = False
        """Whether a request was accepted: then all streams are allowed."""
        self._tls = tls
        self._server: asyncio.Server | None = None
        self.lines: set[_Line] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(self), host, port, ssl=self._tls)
        told: int = self._server.sockets[0].getsockname()[1]
        return told

    async def stop(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        gone = [line.gone for line in self.lines]
        for line in tuple(self.lines):
            line.cut()
        if gone:
            await asyncio.wait(gone, timeout=ENDS_WITHIN_S)

    def settings(self) -> dict[SettingCodes, int]:
        """What a new connection is told."""
        script = self.script
        return {
            SettingCodes.MAX_CONCURRENT_STREAMS: script.streams if self.proven else script.first_streams,
            SettingCodes.INITIAL_WINDOW_SIZE: script.window,
            SettingCodes.MAX_HEADER_LIST_SIZE: script.header_list,
        }


class _Line(asyncio.Protocol):
    """One connection. ``last`` is the last stream that is served after a GOAWAY."""

    def __init__(self, server: Http2Server) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        config = H2Configuration(client_side=False, header_encoding="latin-1")
        self._conn = H2Connection(config)
        self._transport: asyncio.Transport | None = None
        self._is_flush_due = False
        self._requests: dict[int, tuple[dict[str, str], list[bytes]]] = {}
        self._pending = 0
        self._highest = 0
        self._last: int | None = None
        self._is_told = server.proven
        self.gone: asyncio.Future[None] = self._loop.create_future()

    # -- the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.lines.add(self)
        self._server.counts["connections"] += 1
        self._conn.local_settings = Settings(client=False, initial_values=self._server.settings())
        self._conn.initiate_connection()
        self._soon()

    def data_received(self, data: bytes) -> None:
        """Frames came."""
        try:
            for event in self._conn.receive_data(data):
                self._heed(event)
        except H2Error:
            self._server.counts["violations"] += 1
            self._flush()
            self.cut()
        self._soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        del exc
        self._transport = None
        self._server.lines.discard(self)
        if not self.gone.done():
            self.gone.set_result(None)

    # -- requests

    def _heed(self, event: events.Event) -> None:
        if isinstance(event, events.RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers}
            self._requests[event.stream_id] = (headers, [])
            self._highest = max(self._highest, event.stream_id)
        elif isinstance(event, events.DataReceived):
            self._conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in self._requests:
                self._requests[event.stream_id][1].append(event.data)
        elif isinstance(event, events.StreamEnded):
            headers, chunks = self._requests.pop(event.stream_id)
            self._serve(event.stream_id, Heard(headers, b"".join(chunks)))
        elif isinstance(event, events.StreamReset):
            self._requests.pop(event.stream_id, None)

    def _serve(self, stream: int, heard: Heard) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._last is not None and stream > self._last:
            self._server.counts["after_goaway"] += 1
            return
        desk = self._server.desk
        if desk.is_login(heard):
            self._reply(stream, desk.answer(heard))
            return
        deed, slow_s = self._server.player.play()
        self._server.counts[deed] += 1
        reply = desk.answer(heard) if deed in TAKING else desk.turned_away(deed, heard)
        if reply.taken:
            self._open_up()
        self._do(deed, stream, reply, slow_s)

    def _open_up(self) -> None:
        """A first request was accepted: more streams are allowed from now on (apns §1)."""
        self._server.proven = True
        if not self._is_told:
            self._is_told = True
            self._conn.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._server.script.streams})

    def _do(self, deed: Deed, stream: int, reply: Reply, slow_s: float) -> None:
        match deed:
            case "accept" | "busy" | "empty" | "error":
                self._reply(stream, reply)
            case "slow":
                self._pending += 1
                self._loop.call_later(slow_s, self._late, stream, reply)
            case "stuck":
                self._try(self._conn.send_headers, stream, [(":status", str(reply.status)), *reply.headers])
            case "reset":
                self._try(self._conn.reset_stream, stream, ErrorCodes.INTERNAL_ERROR)
            case "refuse":
                self._try(self._conn.reset_stream, stream, ErrorCodes.REFUSED_STREAM)
            case "cut" | "cut_taken":
                self.cut()
            case "garbage":
                self._write(JUNK)
            case "goaway":
                self._goaway(stream - 2)
            case "goaway_taken":
                self._reply(stream, reply)
                self._goaway(self._highest)
            case _:  # silent, ignore
                pass

    def _late(self, stream: int, reply: Reply) -> None:
        self._pending -= 1
        self._reply(stream, reply)
        self._end_drained()

    def _reply(self, stream: int, reply: Reply) -> None:
        headers = [(":status", str(reply.status)), *reply.headers]
        self._try(self._conn.send_headers, stream, headers, end_stream=not reply.body)
        if reply.body:
            self._try(self._conn.send_data, stream, reply.body, end_stream=True)

    def _try(self, deed: Callable[..., None], *words: Any, **named: Any) -> None:  # noqa: ANN401
        try:
            deed(*words, **named)
        except (H2Error, KeyError):
            self._server.counts["unheard"] += 1  # the client has given the stream up
        self._soon()

    # -- the connection

    def _goaway(self, last: int) -> None:
        """h2 would serve nothing more; RFC 9113 §6.8 lets what is at or below ``last`` come to its end."""
        if self._last is not None and last >= self._last:
            return
        self._last = max(0, last)
        frame = GoAwayFrame(
            0, last_stream_id=self._last, error_code=0, additional_data=b'{"reason":"Shutdown"}'
        )
        self._write(frame.serialize())
        self._loop.call_soon(self._end_drained)

    def _end_drained(self) -> None:
        """After a GOAWAY the connection ends with the last stream that is answered."""
        if self._last is not None and not self._pending and not any(n <= self._last for n in self._requests):
            self._flush()
            if self._transport is not None:
                self._transport.close()

    def cut(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        self._flush()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        if (
            self._transport is not None
            and not self._transport.is_closing()
            and (data := self._conn.data_to_send())
        ):
            self._transport.write(data)

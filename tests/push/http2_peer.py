"""A machine and the peer it talks to, joined in memory, on a clock that only the test moves."""

from __future__ import annotations

from typing import Final

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from push.app.http2.happenings import Happening, Http2Rules, Request
from push.app.http2.machine import Machine

S: Final = 1_000_000
WOKEN_MAX: Final = 1_000
HEADERS: Final = [
    (b":method", b"POST"),
    (b":scheme", b"https"),
    (b":authority", b"api.push.apple.com"),
    (b":path", b"/3/device/00fc"),
]
RULES: Final = Http2Rules(answer_timeout_s=10, idle_s=60, probe_timeout_s=5, greeting_timeout_s=3)


def request(size: int = 100) -> Request:
    """A body of ``size`` bytes."""
    return Request(HEADERS, b"x" * size)


class Pair:
    """``machine`` under test and ``peer``; ``told`` is everything the machine told, ``got`` the requests by stream."""

    def __init__(self, rules: Http2Rules = RULES, *, streams: int = 100, window: int = 65_535) -> None:
        self.now = S
        self.machine: Machine[str] = Machine(rules)
        self.peer = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        initial = {SettingCodes.MAX_CONCURRENT_STREAMS: streams, SettingCodes.INITIAL_WINDOW_SIZE: window}
        self.peer.local_settings = Settings(client=False, initial_values=initial)
        self.told: list[Happening[str]] = []
        self.got: dict[int, int] = {}
        """Bytes of body by stream."""
        self.ended: set[int] = set()
        """Streams whose request came whole."""
        self.resets: dict[int, int] = {}
        self.pings = 0
        self.acknowledges = True
        """Whether the peer opens its windows again."""

    def up(self) -> Pair:
        """Greeted by both."""
        self.machine.start(self.now)
        self.peer.initiate_connection()
        self.exchange()
        return self

    def sent(self, token: str, size: int = 100) -> bool:
        """Ask for one request and let it reach the peer."""
        done = self.machine.request(request(size), token, self.now)
        self.exchange()
        return done

    def exchange(self) -> None:
        """Carry bytes both ways until there are none."""
        while True:
            out = self.machine.take()
            if out and self.machine.state != "new":
                self.heard(out)
            back = self.peer.data_to_send()
            if back:
                self.gave(back)
            if not out and not back:
                return

    def heard(self, data: bytes) -> None:
        """Bytes reach the peer."""
        for event in self.peer.receive_data(data):
            match event:
                case events.RequestReceived(stream_id=stream):
                    self.got[stream] = 0
                case events.DataReceived(stream_id=stream):
                    self.got[stream] += len(event.data)
                    if self.acknowledges and event.flow_controlled_length:
                        self.peer.acknowledge_received_data(event.flow_controlled_length, stream)
                case events.StreamEnded(stream_id=stream):
                    self.ended.add(stream)
                case events.StreamReset(stream_id=stream):
                    self.resets[stream] = int(event.error_code)
                case events.PingReceived():
                    self.pings += 1

    def gave(self, data: bytes) -> None:
        """Bytes reach the machine."""
        self.told += self.machine.received(data, self.now)

    def answer(self, stream: int, status: int = 200, body: bytes = b"", *, ends: bool = True) -> None:
        """The peer answers."""
        self.peer.send_headers(stream, [(":status", str(status))], end_stream=ends and not body)
        if body:
            self.peer.send_data(stream, body, end_stream=ends)
        self.exchange()

    def goaway(self, last: int, debug: bytes = b"", code: int = 0) -> None:
        """The peer leaves, and still serves what is at or below ``last``."""
        self.gave(self.peer.data_to_send() + GoAwayFrame(0, last, code, debug).serialize())
        self.exchange()

    def wait(self, seconds: float) -> None:
        """Time passes; the machine is woken where it asked to be, and must not ask for ever."""
        until, woken = self.now + int(seconds * S), 0
        while (due := self.machine.due) <= until and self.machine.state != "closed":
            self.now, woken = max(self.now, due), woken + 1
            assert woken < WOKEN_MAX
            self.told += self.machine.tick(self.now)
            self.exchange()
        self.now = until

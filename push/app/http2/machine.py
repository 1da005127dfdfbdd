"""One HTTP/2 connection of a client as a state machine around h2: bytes in, happenings out, bytes to send.

    new --start--> greeting --SETTINGS--> up --leave, GOAWAY--> leaving --all answered--> closed
                      |                   |                       |                         |
                      +---- garbage, silence, too late, the transport's end ----------------+

No socket, no timer. ``now`` is in microseconds on a clock that never jumps. ``take`` gives what is to be written,
``due`` when ``tick`` has next something to do.

Every token that was taken is told exactly once: Answered, Unprocessed, or InDoubt; nothing is told after Closed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Final, Generic, TypeVar

from h2 import events
from h2.errors import ErrorCodes
from h2.exceptions import H2Error

from push.app.http2.client import Client, new_client
from push.app.http2.happenings import (
    HEADER_OVERHEAD,
    Answer,
    Answered,
    Closed,
    Doubt,
    Happening,
    Http2Rules,
    InDoubt,
    Leaving,
    Request,
    State,
    Unprocessed,
    Unseen,
    Up,
)
from push.app.http2.sieve import Goaway, Sieve
from push.sms.window import NEVER

T = TypeVar("T")

_US: Final = 1_000_000
_PROBE: Final = b"songda\0\0"
_NOTE_MAX: Final = 200


class Unsendable(ValueError):
    """A request that this peer does not take: body or headers are too large. Nothing of it was processed."""


class _Stream(Generic[T]):
    """A request under way. ``body`` is what has not left yet; ``status`` 0 until the headers of the answer came."""

    __slots__ = ("body", "chunks", "headers", "sent_at", "size", "status", "token")

    def __init__(self, token: T, body: bytes, sent_at: int) -> None:
        self.token = token
        self.body = body
        self.sent_at = sent_at
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.chunks: list[bytes] = []
        self.size = 0

    def answer(self) -> Answer:
        """As far as it came."""
        return Answer(self.status, self.headers, b"".join(self.chunks))


class Machine(Generic[T]):
    """See the module. Requests are POSTs; what the peer pushes or says of priorities is not heard."""

    __slots__ = (
        "_client", "_header_max", "_heard_at", "_idle_us", "_is_told", "_limit", "_next", "_open", "_probed_at", "_rules", "_sieve",
        "_step_due", "_timeout_us", "_unfinished", "_untaken", "_why", "counts", "state",
    )  # fmt: skip

    def __init__(self, rules: Http2Rules) -> None:
        self.state: State = "new"
        self.counts = {"requests": 0, "answers": 0, "late": 0, "probes": 0}
        """Requests sent, answers read, events of streams that nobody waits for any more, PINGs sent."""
        self._rules = rules
        self._client: Client = new_client(rules.header_list_max)
        self._sieve = Sieve()
        # In the order they were sent, which is the order of their deadlines.
        self._open: dict[int, _Stream[T]] = {}
        self._unfinished: dict[int, None] = {}
        self._untaken: set[int] = set()
        self._next = 1
        self._limit = 0
        self._header_max: int | None = None
        self._timeout_us = int(rules.answer_timeout_s * _US)
        self._idle_us = int(rules.idle_s * _US)
        self._step_due = NEVER
        self._heard_at = 0
        self._probed_at: int | None = None
        self._why = Closed("left")
        self._is_told = True

    # -- what the owner asks and does

    def start(self, now: int) -> None:
        """The transport is there; the peer's SETTINGS have to come in time."""
        if self.state == "new":
            self.state = "greeting"
            self._heard_at = now
            self._step_due = now + int(self._rules.greeting_timeout_s * _US)
            self._client.initiate_connection()

    @property
    def free(self) -> int:
        """Requests that may be sent now; none while a body waits for the peer's window."""
        if self.state != "up" or self._unfinished:
            return 0
        return max(0, self._limit - len(self._open))

    @property
    def open(self) -> int:
        """Requests without an answer."""
        return len(self._open)

    @property
    def due(self) -> int:
        """When ``tick`` has next something to do; before that a tick is wasted, not wrong."""
        if self.state in {"new", "closed"}:
            return NEVER
        return min(self._step_due, self._answer_due(), self._beat_due())

    def take(self) -> bytes:
        """What is to be written now, in one piece; it is given once."""
        self._untaken.clear()
        return self._client.data_to_send()

    def request(self, request: Request, token: T, now: int) -> bool:
        """Send a request; False where none may be sent now. Raises Unsendable, and nothing was sent then."""
        if self.free <= 0:
            return False
        self._check(request)
        number, self._next = self._next, self._next + 2
        stream = self._open[number] = _Stream(token, request.body, now)
        try:
            self._client.send_headers(number, request.headers, end_stream=not request.body)
            self._send_body(number, stream)
        except H2Error as fault:
            self._forget(number)
            self._cancel(number)
            raise Unsendable(f"{type(fault).__name__}: {fault}") from None
        self._untaken.add(number)
        self.counts["requests"] += 1
        if self.counts["requests"] >= self._rules.requests_max:
            # Stream ids do not last for ever. What is open is waited for; nothing more is begun.
            self._leaving(NEVER, Closed("left", "stream ids"))
        return True

    def received(self, data: bytes, now: int) -> list[Happening[T]]:
        """Bytes came, cut anywhere."""
        told: list[Happening[T]] = []
        if self.state in {"new", "closed"}:
            return told
        self._heard_at, self._probed_at = now, None
        try:
            self._read(data, now, told)
        except (H2Error, ValueError) as fault:
            self._close(told, Closed("malformed", f"{type(fault).__name__}: {fault}"[:_NOTE_MAX]))
        self._part(told)
        return told

    def leave(self, now: int) -> list[Happening[T]]:
        """End in order: send nothing new, wait for open answers. All of it is bounded."""
        told: list[Happening[T]] = []
        if self.state == "up":
            self._leaving(now + int(self._rules.leave_timeout_s * _US), Closed("left"))
        elif self.state in {"new", "greeting"}:
            self._close(told, Closed("left"))
        elif self.state == "leaving":
            self._step_due = min(self._step_due, now + int(self._rules.leave_timeout_s * _US))
        self._part(told)
        return told

    def lost(self, note: str = "") -> list[Happening[T]]:
        """The transport ended, by whomever."""
        told: list[Happening[T]] = []
        self._close(told, Closed("lost", note))
        return told

    def tick(self, now: int) -> list[Happening[T]]:
        """Time passed."""
        told: list[Happening[T]] = []
        if self.state in {"new", "closed"}:
            return told
        if self._expire(now, told):
            # Not a frame since the oldest was sent: what follows it would be lost too.
            self._close(told, Closed("silent"))
        elif now >= self._step_due:
            self._close(told, Closed("greeting_timeout") if self.state == "greeting" else self._why)
        elif now >= self._beat_due():
            self._beat(told, now)
        self._part(told)
        return told

    # -- sending

    def _check(self, request: Request) -> None:
        if len(request.body) > self._rules.body_max:
            raise Unsendable(f"a body of {len(request.body)} bytes")
        if self._header_max is not None:
            size = sum(len(name) + len(value) + HEADER_OVERHEAD for name, value in request.headers)
            if size > self._header_max:
                raise Unsendable(f"headers of {size} bytes")

    def _send_body(self, number: int, stream: _Stream[T]) -> None:
        """As much as the peer's windows take."""
        client, body = self._client, stream.body
        while body:
            room = min(client.local_flow_control_window(number), client.max_outbound_frame_size)
            if room <= 0:
                self._unfinished[number] = None
                break
            piece, body = body[:room], body[room:]
            client.send_data(number, piece, end_stream=not body)
        else:
            self._unfinished.pop(number, None)
        stream.body = body

    def _continue(self) -> None:
        """A window opened: the bodies that wait go on in their order."""
        for number in tuple(self._unfinished):
            self._send_body(number, self._open[number])

    # -- what comes

    def _read(self, data: bytes, now: int, told: list[Happening[T]]) -> None:
        deeds, client = self._DEEDS, self._client
        for part in self._sieve.parts(data):
            if isinstance(part, Goaway):
                self._on_goaway(part, told)
                if self.state == "closed":
                    return
                continue
            for event in client.receive_data(part):
                deed = deeds.get(type(event))
                if deed is not None:
                    deed(self, event, now, told)

    def _on_settings(self, event: Any, now: int, told: list[Happening[T]]) -> None:  # noqa: ANN401, ARG002
        settings = self._client.remote_settings
        self._limit = min(self._rules.streams_max, settings.max_concurrent_streams)
        self._header_max = settings.max_header_list_size
        if self.state == "greeting":
            self.state, self._step_due = "up", NEVER
            told.append(Up())
        self._continue()

    def _on_window(self, event: Any, now: int, told: list[Happening[T]]) -> None:  # noqa: ANN401, ARG002
        if self._unfinished:
            self._continue()

    def _on_headers(self, event: Any, now: int, told: list[Happening[T]]) -> None:  # noqa: ANN401, ARG002
        stream = self._open.get(event.stream_id)
        if stream is None:
            self.counts["late"] += 1
            return
        headers = stream.headers = dict(event.headers)
        stream.status = int(headers[b":status"])

    def _on_data(self, event: Any, now: int, told: list[Happening[T]]) -> None:  # noqa: ANN401, ARG002
        number, stream = event.stream_id, self._open.get(event.stream_id)
        if event.flow_controlled_length:
            self._client.acknowledge_received_data(event.flow_controlled_length, number)
        if stream is None:
            self.counts["late"] += 1
            return
        room = self._rules.answer_max - stream.size
        stream.chunks.append(event.data[:room])
        stream.size += len(event.data)
        if stream.size > self._rules.answer_max and event.stream_ended is None:
            self._cancel(number)
            self._answered(number, told)

    def _on_end(self, event: Any, now: int, told: list[Happening[T]]) -> None:  # noqa: ANN401, ARG002
        number = event.stream_id
        stream = self._open.get(number)
        if stream is None:
            self.counts["late"] += 1
            return
        if stream.body:
            # Answered before the whole body had left (RFC 9113 §8.1): the rest is of no use.
            self._cancel(number)
        self._answered(number, told)

    def _on_reset(self, event: Any, now: int, told: list[Happening[T]]) -> None:  # noqa: ANN401, ARG002
        if event.stream_id in self._open:
            refused = event.error_code == ErrorCodes.REFUSED_STREAM
            self._end(event.stream_id, "reset", "refused" if refused else None, told)

    def _on_goaway(self, goaway: Goaway, told: list[Happening[T]]) -> None:
        for number in [number for number in self._open if number > goaway.last_stream]:
            stream = self._forget(number)
            told.append(Unprocessed(stream.token, "goaway"))
        note = goaway.debug[:_NOTE_MAX].decode("utf-8", "replace")
        closed = Closed("goaway", f"{goaway.code} {note}".strip())
        if self.state == "greeting":
            self._close(told, closed)
        elif self.state == "up":
            # Each stream that is still waited for has a deadline of its own.
            self._leaving(NEVER, closed)

    _DEEDS: ClassVar[dict[type, Callable[..., None]]] = {
        events.RemoteSettingsChanged: _on_settings,
        events.WindowUpdated: _on_window,
        events.ResponseReceived: _on_headers,
        events.DataReceived: _on_data,
        events.StreamEnded: _on_end,
        events.StreamReset: _on_reset,
    }

    # -- time

    def _answer_due(self) -> int:
        for stream in self._open.values():
            return stream.sent_at + self._timeout_us
        return NEVER

    def _beat_due(self) -> int:
        if self.state not in {"up", "leaving"}:
            return NEVER
        if self._probed_at is not None:
            return self._probed_at + int(self._rules.probe_timeout_s * _US)
        return self._heard_at + self._idle_us

    def _beat(self, told: list[Happening[T]], now: int) -> None:
        if self._probed_at is not None:
            self._close(told, Closed("silent", "PING"))
            return
        self._probed_at = now
        self.counts["probes"] += 1
        self._client.ping(_PROBE)

    def _expire(self, now: int, told: list[Happening[T]]) -> bool:
        """End what waited too long, oldest first; whether the line is dead as well."""
        until, dead = now - self._timeout_us, False
        for number, stream in tuple(self._open.items()):
            if stream.sent_at > until:
                break
            dead = dead or self._heard_at <= stream.sent_at
            self._cancel(number)
            self._end(number, "timeout", None, told)
        return dead

    # -- the end

    def _answered(self, number: int, told: list[Happening[T]]) -> None:
        stream = self._forget(number)
        self.counts["answers"] += 1
        told.append(Answered(stream.token, stream.answer()))

    def _end(self, number: int, doubt: Doubt, unseen: Unseen | None, told: list[Happening[T]]) -> None:
        """A request that will get no more than it has."""
        if self._open[number].status:
            # The status is the verdict; what is missing is the reason.
            self._answered(number, told)
            return
        if unseen is None and self._open[number].body:
            unseen = "unfinished"
        stream = self._forget(number)
        told.append(InDoubt(stream.token, doubt) if unseen is None else Unprocessed(stream.token, unseen))

    def _forget(self, number: int) -> _Stream[T]:
        self._unfinished.pop(number, None)
        return self._open.pop(number)

    def _cancel(self, number: int) -> None:
        """Tell the peer that nobody waits any more."""
        with suppress(H2Error):  # the peer was first
            self._client.reset_stream(number, ErrorCodes.CANCEL)

    def _leaving(self, step_due: int, why: Closed) -> None:
        self.state, self._step_due, self._why, self._is_told = "leaving", step_due, why, False

    def _part(self, told: list[Happening[T]]) -> None:
        """Tell that it is being left, once; and its end, when everything open has ended."""
        if self.state == "leaving" and not self._is_told:
            self._is_told = True
            told.append(Leaving(*self._why))
        if self.state == "leaving" and not self._open:
            self._close(told, self._why)

    def _close(self, told: list[Happening[T]], closed: Closed) -> None:
        if self.state == "closed":
            return
        was, self.state = self.state, "closed"
        if self._untaken:
            # What was not handed to the transport never will be, and its owner may send it elsewhere.
            self._client.clear_outbound_data_buffer()
        for number in tuple(self._open):
            self._end(number, "lost", "unsent" if number in self._untaken else None, told)
        if was != "new" and closed.why != "lost":
            with suppress(H2Error):  # h2 said goodbye itself where it found the fault
                self._client.close_connection()
        told.append(closed)

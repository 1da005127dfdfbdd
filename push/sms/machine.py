"""One connection with a carrier as a state machine, over any dialect: bytes in, happenings out, bytes to send.

    new --start--> greeting --welcome--> up --leave--> leaving --all answered--> parting --goodbye--> closed
                      |                   |               |                         |
                      +---- refused, too late, garbage, silence, the peer's goodbye, connection lost ------> closed

No socket, no timer. ``now`` is in microseconds on a clock that never jumps; ``clock`` tells UTC microseconds to those
dialects whose log-in or sequence holds the time. ``take`` gives what is to be written, ``due`` when ``tick`` has next
something to do.

Every token that was taken is told exactly once: Answered, or InDoubt. After InDoubt an Answered with ``late`` may
follow, never after Closed.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import ClassVar, Final, Generic, TypeVar

from inbox_store.times import Clock
from push.sms.carrier import (
    Asked,
    Dialect,
    Goodbye,
    GoodbyeAnswer,
    Heard,
    Ignored,
    Inbound,
    InboundAnswer,
    Malformed,
    Probe,
    ProbeAnswer,
    SubmitAnswer,
)
from push.sms.happenings import (
    Answered,
    Closed,
    Doubt,
    Happening,
    InDoubt,
    SessionRules,
    State,
    Why,
)
from push.sms.window import NEVER, Window

T = TypeVar("T")

_US: Final = 1_000_000
_LENGTH: Final = Struct(">I")


class Machine(Generic[T]):
    """What both sides share: the stream, the window, the heartbeat, the orderly end."""

    __slots__ = (
        "_buffer", "_clock", "_dialect", "_heard_at", "_idle_us", "_misses", "_out", "_probe", "_probed_at", "_read_pdu",
        "_rests", "_rules", "_sequence", "_step_due", "_unstored", "_up_at", "_window", "counts", "state",
    )  # fmt: skip

    def __init__(
        self, dialect: Dialect, read: Callable[[bytes], Heard | Asked], clock: Clock, rules: SessionRules
    ) -> None:
        self.state: State = "new"
        self.counts = {"unexpected": 0, "ignored": 0, "heartbeats": 0}
        """PDUs that nobody waited for, PDUs that are not for us, and our probes that were answered."""
        self._dialect = dialect
        self._read_pdu = read
        self._clock = clock
        self._rules = rules
        self._window: Window[T] = Window(rules.window, int(rules.answer_timeout_s * _US), rules.late_max)
        self._buffer = b""
        self._out: list[bytes] = []
        self._sequence: int | None = None
        self._step_due = NEVER
        self._heard_at = self._probed_at = self._up_at = 0
        self._idle_us = int((rules.idle_s if dialect.probes else rules.rest_s) * _US)
        self._probe: int | None = None
        self._misses = 0
        self._rests = False
        self._unstored = 0

    # -- what the owner asks and does

    def start(self, now: int) -> None:
        """The transport is there; the log-in has to come about in time."""
        if self.state == "new":
            self.state = "greeting"
            self._step_due = now + int(self._rules.login_timeout_s * _US)

    @property
    def free(self) -> int:
        """Requests that may be sent now."""
        return self._window.free if self.state == "up" else 0

    @property
    def open(self) -> int:
        """Requests without an answer."""
        return len(self._window)

    @property
    def rests(self) -> bool:
        """Whether it is being ended because there was nothing to send."""
        return self._rests and self.state == "parting"

    @property
    def due(self) -> int:
        """When ``tick`` has next something to do; before that a tick is wasted, not wrong."""
        if self.state in {"new", "closed"}:
            return NEVER
        return min(self._step_due, self._window.due, self._beat_due())

    def take(self) -> bytes:
        """What is to be written now, in one piece; it is given once."""
        if not self._out:
            return b""
        told = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return told

    def request(self, build: Callable[[int], bytes], token: T, now: int) -> bool:
        """Send a request that ``build`` makes with its sequence; False where the window is full or nothing is up.

        What ``build`` raises passes through, and nothing was sent then.
        """
        if self.free <= 0:
            return False
        sequence = self._next_sequence()
        self._out.append(build(sequence))
        self._window.put(sequence, token, now)
        return True

    def received(self, data: bytes, now: int) -> list[Happening[T]]:
        """Bytes came, cut anywhere."""
        if self.state in {"new", "closed"}:
            return []
        told: list[Happening[T]] = []
        try:
            self._read(self._buffer + data if self._buffer else data, now, told)
        except Malformed as fault:
            self._close(told, "malformed", str(fault))
        self._part(now)
        return told

    def stored(self, inbound: Inbound, now: int) -> list[Happening[T]]:
        """What came is stored durably: now it is answered."""
        return self._settled(now, inbound.answer)

    def given_up(self, inbound: Inbound, now: int) -> list[Happening[T]]:
        """What came could not be stored: it is not answered, and the peer will send it again."""
        del inbound
        return self._settled(now, b"")

    def leave(self, now: int) -> list[Happening[T]]:
        """End in order: send nothing new, wait for open answers, say goodbye. All of it is bounded."""
        told: list[Happening[T]] = []
        if self.state == "up":
            self.state = "leaving"
            self._step_due = now + int(self._rules.leave_timeout_s * _US)
            self._part(now)
        elif self.state in {"new", "greeting"}:
            self._close(told, "left")
        return told

    def lost(self, now: int, note: str = "") -> list[Happening[T]]:
        """The transport ended, by whomever."""
        told: list[Happening[T]] = []
        if self.state == "parting":
            self._close(told, self._parted())
        elif self._is_turned_out(now):
            self._close(told, "refused", note or "连接在登录后立即断开")
        else:
            self._close(told, "lost", note)
        return told

    def tick(self, now: int) -> list[Happening[T]]:
        """Time passed."""
        told: list[Happening[T]] = []
        if self.state in {"new", "closed"}:
            return told
        oldest = self._window.oldest
        for sequence, token in self._window.expired(now):
            told.append(self._doubt(sequence, token, "timeout"))
        if told and not self._dialect.probes and self._heard_at <= oldest:
            # Without a heartbeat nothing else shows that the line is dead.
            self._close(told, "silent")
        elif now >= self._step_due:
            self._step(told, now)
        elif self.state in {"up", "leaving"} and now >= self._beat_due():
            self._beat(told, now)
        self._part(now)
        return told

    # -- the stream

    def _read(self, data: bytes, now: int, told: list[Happening[T]]) -> None:
        """Heed each whole PDU as it is cut off: what stands in front of garbage has been said."""
        dialect, deeds, start, size = self._dialect, self._DEEDS, 0, len(data)
        length_at = _LENGTH.unpack_from
        low, high, read = dialect.header_bytes, dialect.length_max, self._read_pdu
        while size - start >= 4:
            (length,) = length_at(data, start)
            if not low <= length <= high:
                raise Malformed(f"{dialect.name}: a PDU of {length} bytes")
            if size - start < length:
                break
            heard = read(data[start : start + length])
            start += length
            self._heard_at = now
            deeds[type(heard)](self, heard, now, told)
            if self.state == "closed":
                return
        if start:
            self._misses = 0
        self._buffer = data[start:]

    def _next_sequence(self) -> int:
        now = self._clock()
        if self._sequence is None:
            self._sequence = self._dialect.first_sequence(now)
        else:
            self._sequence = self._dialect.next_sequence(self._sequence, now)
        while self._sequence in self._window or self._sequence == self._probe:
            self._sequence = self._dialect.next_sequence(self._sequence, now)
        return self._sequence

    # -- what a PDU does

    def _on_answer(self, heard: SubmitAnswer | InboundAnswer, _now: int, told: list[Happening[T]]) -> None:
        ended = self._window.answered(heard.sequence)
        if ended is None:
            self.counts["unexpected"] += 1
        else:
            told.append(Answered(ended.token, heard, ended.late))

    def _on_inbound(self, heard: Inbound, _now: int, told: list[Happening[T]]) -> None:
        if self.state == "greeting":
            self.counts["unexpected"] += 1
            return
        self._unstored += 1
        told.append(heard)

    def _on_probe(self, heard: Probe, _now: int, _told: list[Happening[T]]) -> None:
        self._out.append(heard.answer)

    def _on_probe_answer(self, heard: ProbeAnswer, _now: int, _told: list[Happening[T]]) -> None:
        if heard.sequence == self._probe:
            self._probe = None
            self.counts["heartbeats"] += 1
        else:
            self.counts["unexpected"] += 1

    def _on_goodbye(self, heard: Goodbye, _now: int, told: list[Happening[T]]) -> None:
        self._out.append(heard.answer)
        self._close(told, self._parted() if self.state == "parting" else "goodbye")

    def _on_goodbye_answer(self, _heard: GoodbyeAnswer, _now: int, told: list[Happening[T]]) -> None:
        if self.state == "parting":
            self._close(told, self._parted())
        else:
            self.counts["unexpected"] += 1

    def _on_ignored(self, heard: Ignored, _now: int, told: list[Happening[T]]) -> None:
        self.counts["ignored"] += 1
        if heard.answer:
            self._out.append(heard.answer)
        if heard.ends is None:
            return
        ended = self._window.answered(heard.ends)
        if ended and not ended.late:
            told.append(self._doubt(heard.ends, ended.token, "nack"))

    # -- time

    def _beat_due(self) -> int:
        if self.state not in {"up", "leaving"}:
            return NEVER
        if self._misses:
            return self._probed_at + int(self._rules.probe_timeout_s * _US)
        return self._heard_at + self._idle_us

    def _beat(self, told: list[Happening[T]], now: int) -> None:
        if not self._dialect.probes:
            self._rest(now)
        elif self._misses >= self._rules.misses_max:
            self._close(told, "silent", f"{self._misses} 次探测没有回应")
        else:
            self._misses += 1
            self._probed_at = now
            self._probe = None
            self._probe = self._next_sequence()
            self._out.append(self._dialect.probe(self._probe))

    def _rest(self, now: int) -> None:
        """Nothing keeps such a connection alive: it is ended in order, which is no error (sgip §5)."""
        if self._window or self._unstored > 0:
            self._heard_at = now
            return
        self._rests = True
        self._say_goodbye(now)

    def _step(self, told: list[Happening[T]], now: int) -> None:
        """What the state waited for did not come in time."""
        if self.state == "leaving":
            self._say_goodbye(now)
        elif self.state == "parting":
            self._close(told, self._parted())
        else:
            self._close(told, "login_timeout")

    # -- the end

    def _settled(self, now: int, answer: bytes) -> list[Happening[T]]:
        told: list[Happening[T]] = []
        self._unstored -= 1
        if self.state != "closed" and answer:
            self._out.append(answer)
        self._part(now)
        return told

    def _part(self, now: int) -> None:
        """Whether it is time for the goodbye."""
        if self.state == "leaving" and not self._window and self._unstored <= 0:
            self._say_goodbye(now)

    def _say_goodbye(self, now: int) -> None:
        self.state = "parting"
        self._step_due = now + int(self._rules.goodbye_timeout_s * _US)
        self._out.append(self._dialect.goodbye(self._next_sequence()))

    def _parted(self) -> Why:
        return "rested" if self._rests else "left"

    def _is_turned_out(self, now: int) -> bool:
        """Whether this end, after our log-in was taken, is the peer's way to refuse it (sgip §6.3)."""
        del now
        return False

    def _enter(self, now: int) -> None:
        self.state = "up"
        self._step_due = NEVER
        self._up_at = self._heard_at = now

    def _doubt(self, sequence: int, token: T, why: Doubt) -> InDoubt[T]:
        return InDoubt(token, why, self._own_id(sequence))

    def _own_id(self, _sequence: int) -> str:
        return ""

    def _close(self, told: list[Happening[T]], why: Why, note: str = "", *, alarm: bool = False) -> None:
        if self.state == "closed":
            return
        self.state = "closed"
        self._buffer = b""
        told += [self._doubt(sequence, token, "lost") for sequence, token in self._window.clear()]
        told.append(Closed(why, note, alarm))

    _DEEDS: ClassVar[dict[type, Callable[..., None]]] = {
        SubmitAnswer: _on_answer,
        InboundAnswer: _on_answer,
        Inbound: _on_inbound,
        Probe: _on_probe,
        ProbeAnswer: _on_probe_answer,
        Goodbye: _on_goodbye,
        GoodbyeAnswer: _on_goodbye_answer,
        Ignored: _on_ignored,
    }

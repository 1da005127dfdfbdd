"""One live session as a state machine: no socket, no clock, no randomness. Events go in, effects come out.

    connecting --hello--> greeted --admitted--> catching_up --last page--> live
                             |                       ^                       |
                             +--- nothing missed ----|----------------> live-+ (fell behind)
    any of them --fault, drain, too slow--> closing

The rule of positions: a session has one ``position``; everything of its person up to it was sent, nothing above it
was. Pages of the catch-up come from the database, deliveries from the hub, and the two overlap: deliveries that come
while pages are read are kept, and what a page has covered is dropped. So there is no gap (the session is entered in
the hub before the first page is read) and nothing comes twice (whatever is at or below ``position`` is dropped).

``now`` is in seconds on a clock that never jumps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from realtime.effects import (
    NOTHING,
    Acked,
    Authenticate,
    CatchUp,
    Close,
    Effects,
    Join,
    ReadCounts,
    Recheck,
    Send,
)
from realtime.fanout import Delivery, changes_frame
from realtime.frames import (
    PING,
    PONG_OPCODE,
    Ack,
    AskCounts,
    Bye,
    ClientMessage,
    Counts,
    FrameFault,
    Hello,
    Ping,
    Pong,
    Welcome,
    frame,
    pack,
    parse,
)
from realtime.ports import Admitted, CountsRead, Page
from realtime.rules import ALLOWED, ERRORS, FAULTS, NORMAL, REPLACED, RESTART, SessionRules, State

NEVER: Final = float("inf")


class Session:
    """The machine. ``due`` is when ``tick`` has next something to look at; before that a tick is wasted, not wrong."""

    __slots__ = (
        "_acked", "_again", "_allowance", "_allowance_at", "_expires", "_heard", "_hello", "_kept", "_pinged",
        "_recheck_due", "_recheck_failures", "_rules", "device", "due", "person_id", "position", "session_id", "state",
        "token_id",
    )  # fmt: skip

    def __init__(self, session_id: str, rules: SessionRules, now: float) -> None:
        self.session_id = session_id
        self.state: State = "connecting"
        self.person_id = 0
        self.token_id = ""
        self.device = ""
        self.position = 0
        self.due = now + rules.hello_timeout_s
        self._rules = rules
        self._hello: Hello | None = None
        self._acked = 0
        self._kept: list[Delivery] = []
        self._again = False
        self._heard = now
        self._pinged = now
        self._expires = NEVER
        self._recheck_due = NEVER
        self._recheck_failures = 0
        self._allowance = float(rules.idle_words_burst)
        self._allowance_at = now

    # -- words of the client

    def received(self, payload: bytes, now: float, frontier: int = 0) -> Effects:
        """A text frame came. ``frontier``: the hub has handed out everything up to this commit."""
        if self.state == "closing":
            return NOTHING
        self._heard = now
        try:
            message = parse(payload)
        except FrameFault as fault:
            return self._fault(fault.code, now)
        if self.state not in ALLOWED[type(message)]:
            return self._fault("out_of_turn", now)
        return self._WORDS[type(message)](self, message, now, frontier)

    def binary(self, now: float) -> Effects:
        """A binary frame came."""
        return self._fault("binary", now)

    def pinged(self, payload: bytes, now: float) -> Effects:
        """A ping of the websocket layer came."""
        if self.state == "closing":
            return NOTHING
        self._heard = now
        return self._spend(now) or (Send(frame(payload, PONG_OPCODE)),)

    def heard(self, now: float) -> None:
        """A pong of the websocket layer came: the line is alive."""
        self._heard = now

    def _on_hello(self, hello: Hello, now: float, _frontier: int) -> Effects:
        if (hello.ticket is None) == (hello.token is None):
            return self._fault("no_credential", now)
        self.state = "greeted"
        self.device = hello.device
        self._hello = hello
        self.due = now + self._rules.hello_timeout_s
        return (Authenticate(hello),)

    def _on_ack(self, ack: Ack, now: float, _frontier: int) -> Effects:
        if ack.position > self.position:
            return self._fault("ack_ahead", now)
        if ack.position <= self._acked:
            return self._spend(now)
        effect = Acked(self.person_id, self._acked, ack.position, self.device)
        self._acked = ack.position
        return (effect,)

    def _on_ping(self, _ping: Ping, now: float, frontier: int) -> Effects:
        if self.state == "live":
            # What was handed out up to the frontier and was ours has been sent: the client may resume from there.
            self.position = max(self.position, frontier)
        return self._spend(now) or (Send(pack(Pong(position=self.position))),)

    def _on_ask_counts(self, _ask: AskCounts, now: float, _frontier: int) -> Effects:
        return self._spend(now) or (ReadCounts(self.person_id),)

    _WORDS: ClassVar[dict[type[ClientMessage], Callable[..., Effects]]] = {
        Hello: _on_hello,
        Ack: _on_ack,
        Ping: _on_ping,
        AskCounts: _on_ask_counts,
    }

    def _spend(self, now: float) -> Effects:
        """Take one idle word out of the allowance; a fault when there is none left."""
        rules = self._rules
        grown = self._allowance + (now - self._allowance_at) * rules.idle_words_per_s
        self._allowance_at = now
        self._allowance = min(grown, rules.idle_words_burst) - 1
        return self._fault("flood", now) if self._allowance < 0 else NOTHING

    def _fault(self, code: str, now: float) -> Effects:
        if self.state == "closing":
            return NOTHING
        told = Send(ERRORS[code])
        close = FAULTS[code].close
        if close is None:
            return self._spend(now) or (told,)
        return (told, *self._close(close, code))

    def _close(self, code: int, reason: str) -> Effects:
        if self.state == "closing":
            return NOTHING
        self.state = "closing"
        self.due = NEVER
        self._kept = []
        return (Close(code, reason),)

    # -- answers to what was asked for

    def admitted(
        self, who: Admitted | None, position: int, epoch: str, now: float, lasts_s: float
    ) -> Effects:
        """The hello was looked at. ``position``, ``epoch``: the feed's, taken now; ``lasts_s`` until the log-in expires."""
        hello, self._hello = self._hello, None
        if self.state != "greeted" or hello is None:
            return NOTHING
        if who is None or lasts_s <= 0:
            return self._fault("denied", now)
        self.person_id, self.token_id = who.person_id, who.token_id
        self._expires = now + lasts_s
        self._recheck_due = now + self._rules.recheck_s
        self._schedule()
        resumed = hello.position is not None and hello.epoch == epoch and hello.position <= position
        return self._begin(hello, position, epoch, resumed=resumed)

    def _begin(self, hello: Hello, position: int, epoch: str, *, resumed: bool) -> Effects:
        start = hello.position if resumed and hello.position is not None else position
        self.position = self._acked = start
        welcome = Welcome(
            session=self.session_id,
            position=start,
            epoch=epoch,
            heartbeat_s=self._rules.heartbeat_s,
            resumed=resumed,
        )
        effects: Effects = (Join(self.person_id), Send(pack(welcome)))
        if resumed and hello.acked is not None and hello.acked < start:
            effects += (Acked(self.person_id, hello.acked, start, self.device),)
        self.state = "live"
        # Whoever stands at the newest commit missed nothing: a storm of idle clients costs no reads.
        return effects + (self.behind() if start < position else NOTHING)

    def page(self, page: Page, now: float) -> Effects:
        """A page of the catch-up came."""
        if self.state != "catching_up":
            return NOTHING
        if page.more and page.position <= self.position:
            return self._fault("read_failed", now)  # a page that leads nowhere would be asked for for ever
        effects = self._take(page)
        if page.more or self._again:
            self._again = self._again and page.more
            return (*effects, self._catch_up())
        self.state = "live"
        kept, self._kept = self._kept, []
        frames = (self.nudged(delivery) for delivery in kept)
        return effects + tuple(Send(one) for one in frames if one is not None)

    def _take(self, page: Page) -> Effects:
        if page.position <= self.position:
            return NOTHING
        self.position = page.position
        # Without items too: the client then resumes from here, and the next catch-up has less to look at.
        return (Send(changes_frame(page.items, page.position)),)

    def _catch_up(self) -> CatchUp:
        return CatchUp(self.person_id, self.position, self._rules.page_items)

    def unread(self, now: float) -> Effects:
        """What was asked for could not be read."""
        return self._fault("read_failed", now)

    def doubted(self) -> Effects:
        """The log-in may have been taken back just now: it is asked about at once."""
        return (Recheck(self.token_id),) if self.state in {"catching_up", "live"} else NOTHING

    def rechecked(self, valid: bool | None, now: float) -> Effects:  # noqa: FBT001 - the answer itself
        """The log-in was asked about; None: no answer."""
        self._recheck_failures = self._recheck_failures + 1 if valid is None else 0
        if valid is False:
            return self._fault("revoked", now)
        if self._recheck_failures >= self._rules.recheck_failures_max:
            return self._fault("read_failed", now)
        return NOTHING

    # -- what the hub brings

    def nudged(self, delivery: Delivery) -> bytes | None:
        """The frame to write now for what was committed; None when it is known already or kept for later."""
        if self.state == "live":
            position = self.position
            if position < delivery.first:
                self.position = delivery.last
                return delivery.frame
            if position < delivery.last:
                self.position = delivery.last
                return changes_frame((one for one in delivery.entries if one[0] > position), delivery.last)
        elif self.state == "catching_up":
            self._keep(delivery)
        return None

    def _keep(self, delivery: Delivery) -> None:
        if len(self._kept) >= self._rules.kept_max:
            self._kept = []
            self._again = True
        self._kept.append(delivery)

    def behind(self) -> Effects:
        """Deliveries were lost to this session: it reads for itself what it missed."""
        if self.state == "catching_up":
            self._again = True
        if self.state != "live":
            return NOTHING
        self.state = "catching_up"
        return (self._catch_up(),)

    @property
    def takes_words(self) -> bool:
        """Whether it is the time for what moves no position: counts, notices."""
        return self.state in {"catching_up", "live"}

    def counts(self, read: CountsRead) -> bytes | None:
        """The frame of the folder counts, or None when it is not the time for it."""
        folders = read.by_person.get(self.person_id)
        if folders is None or not self.takes_words:
            return None
        return pack(Counts(position=read.position, folders=dict(folders)))

    # -- time and the end

    def tick(self, now: float) -> Effects:
        """Time passed."""
        if now < self.due or self.state == "closing":
            return NOTHING
        if self.state in {"connecting", "greeted"}:
            return self._fault("hello_timeout", now)
        if now >= self._expires:
            return self._fault("revoked", now)
        if now - self._heard >= self._rules.silence_max_s:
            return self._fault("silent", now)
        effects = self._heartbeat(now) + self._ask_again(now)
        self._schedule()
        return effects

    def _heartbeat(self, now: float) -> Effects:
        if now - max(self._heard, self._pinged) < self._rules.heartbeat_s:
            return NOTHING
        self._pinged = now
        return (Send(PING),)

    def _ask_again(self, now: float) -> Effects:
        if now < self._recheck_due:
            return NOTHING
        self._recheck_due = now + self._rules.recheck_s
        return (Recheck(self.token_id),)

    def _schedule(self) -> None:
        beat = max(self._heard, self._pinged) + self._rules.heartbeat_s
        self.due = min(beat, self._heard + self._rules.silence_max_s, self._recheck_due, self._expires)

    def too_slow(self, now: float) -> Effects:
        """More waits to be sent than is allowed: cut, so that nobody else pays for it."""
        return self._fault("too_slow", now)

    def replaced(self) -> Effects:
        """The person opened more sessions than allowed, and this is the oldest."""
        return self._close(REPLACED, "replaced")

    def drain(self, reason: str, reconnect_ms: int) -> Effects:
        """The server is going down; ``reconnect_ms`` spreads the return of all clients. ``dismissed`` follows."""
        if self.state == "closing":
            return NOTHING
        return (Send(pack(Bye(reason=reason, reconnect_ms=reconnect_ms))),)

    def dismissed(self) -> Effects:
        """The server is down now: acks that were on their way when the bye was said have come in."""
        return self._close(RESTART, "restart")

    def gone(self) -> None:
        """The socket is closed, by whomever."""
        self._close(NORMAL, "")

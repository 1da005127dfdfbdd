"""One browser's conversation with the push service as a machine: words go in, things to do come out. Pure.

    new --hello--> asking --greeted--> open --fault, replaced--> closing

Things to do are done in their order. What needs the store (``Greet``, ``Subscribe``, ``Unsubscribe``, ``Fetch``,
``Settle``) is answered by the method named at it; until then nothing is said about it, so that no endpoint is handed
out which a crash would forget, and no message leaves the store before the browser had its word.

``now`` is in microseconds on a clock that never jumps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from inbox_store.programs.push_service import Message
from push.app.own_service import words
from push.app.own_service.words import Ack, Hello, Nack, Ping, Register, Unregister, Word
from push.app.webpush.subscription import SubscriptionFault, base64url, read_point, unbase64url
from push.sms.bucket import Bucket, Pace

WINDOW: Final = 64
"""Messages under way to one browser: what it has not acked comes again after a reconnect, and is bounded by this."""
PACE: Final = Pace(rate_per_s=20, burst_s=30)
"""Words a browser may send, acks and all; more closes the connection."""
NACKED: Final = 102

State = Literal["new", "asking", "open", "closing"]


class Say(NamedTuple):
    """Send a text frame."""

    text: str


class Greet(NamedTuple):
    """Ask the store whether it knows this uaid (never, where it is empty): ``greeted``."""

    uaid: str


class Subscribe(NamedTuple):
    """Keep a subscription made with a key (or none): ``subscribed``."""

    channel: str
    key: str


class Unsubscribe(NamedTuple):
    """Forget a subscription: ``unsubscribed``."""

    channel: str


class Fetch(NamedTuple):
    """Ask the store for the ``limit`` oldest waiting messages: ``waiting``."""

    limit: int


class Settle(NamedTuple):
    """Keep the browser's word about messages, (id, channel, code) each; then ``settled``."""

    updates: tuple[tuple[str, str, int], ...]


class Close(NamedTuple):
    """Close the websocket (RFC 6455 §7.4)."""

    code: int
    reason: str


Do = Say | Greet | Subscribe | Unsubscribe | Fetch | Settle | Close
Todo = tuple[Do, ...]

NOTHING: Final[Todo] = ()
PROTOCOL_ERROR, BAD_DATA, POLICY, RESTART = 1002, 1007, 1008, 1012


class Conversation:
    """The machine of one websocket. ``fresh`` is a new random uaid, used where the browser's own is unknown."""

    __slots__ = ("_bucket", "_fresh", "_keys", "_sent", "_uaid", "state")

    def __init__(self, fresh: str, now: int, keys: frozenset[str] = frozenset(), pace: Pace = PACE) -> None:
        self.state: State = "new"
        self._fresh = fresh
        self._keys = keys
        self._bucket = Bucket(pace, now)
        self._uaid = ""
        self._sent: dict[str, str] = {}
        """Messages under way: id and channel."""

    @property
    def uaid(self) -> str:
        """The browser's id; empty before it is greeted."""
        return self._uaid if self.state == "open" else ""

    def heard(self, text: str, now: int) -> Todo:
        """A text frame came."""
        if self.state == "closing":
            return NOTHING
        if not self._bucket.take(now):
            return self._close(POLICY, "too many messages")
        try:
            word = words.read(text)
        except words.Unreadable:
            return self._close(BAD_DATA, "unreadable")
        if isinstance(word, Ping):
            return (Say(words.PONG),)
        if (self.state == "new") != isinstance(word, Hello) or self.state == "asking":
            return self._close(PROTOCOL_ERROR, "hello comes first, and once")
        return self._answered(word)

    def _answered(self, word: Word) -> Todo:
        match word:
            case Hello(uaid=uaid):
                self.state = "asking"
                return (Greet(_known_form(uaid)),)
            case Register(channelID=channel, key=key):
                return self._register(channel, key or "")
            case Unregister(channelID=channel):
                return (Unsubscribe(channel),)
            case Ack(updates=updates):
                return self._settle(tuple((one.version, one.code) for one in updates))
            case Nack(version=version):
                return self._settle(((version, NACKED),))
            case _:
                return NOTHING

    def _register(self, channel: str, key: str) -> Todo:
        try:
            plain = base64url(_point(key)) if key else ""
        except ValueError:
            return (Say(words.not_registered(channel, 400)),)
        if self._keys and plain not in self._keys:
            return (Say(words.not_registered(channel, 403)),)
        return (Subscribe(channel, plain),)

    def _settle(self, updates: Sequence[tuple[str, int]]) -> Todo:
        """Only what was sent here can be settled here: ids of others tell nothing."""
        mine = [(version, self._sent.get(version), code) for version, code in updates]
        known = tuple(dict.fromkeys((version, channel, code) for version, channel, code in mine if channel))
        return (Settle(known),) if known else NOTHING

    def greeted(self, *, known: bool, uaid: str) -> Todo:
        """The store's answer to Greet."""
        if self.state != "asking":
            return NOTHING
        self.state = "open"
        self._uaid = uaid if known else self._fresh
        return (Say(words.hello(self._uaid)), Fetch(WINDOW))

    def subscribed(self, channel: str, endpoint: str) -> Todo:
        """The subscription is kept; an empty ``endpoint``: the browser has too many."""
        if not endpoint:
            return (Say(words.not_registered(channel, 429)),)
        return (Say(words.registered(channel, endpoint)),)

    def unsubscribed(self, channel: str) -> Todo:
        """The subscription is forgotten."""
        return (Say(words.unregistered(channel)),)

    def arrived(self) -> Todo:
        """Something may wait in the store."""
        return (Fetch(WINDOW),) if self.state == "open" and len(self._sent) < WINDOW else NOTHING

    def waiting(self, messages: Sequence[Message]) -> Todo:
        """The store's answer to Fetch: what is not yet under way leaves, in order."""
        if self.state != "open":
            return NOTHING
        fresh = [one for one in messages if one.id not in self._sent]
        # What the store no longer has was replaced, withdrawn or is too old; its place in the window is free.
        self._sent = {one.id: one.channel for one in messages}
        return tuple(Say(words.notification(one)) for one in fresh)

    def settled(self, ids: Sequence[str]) -> Todo:
        """The store has the browser's word."""
        was_full = len(self._sent) >= WINDOW
        for one in ids:
            self._sent.pop(one, None)
        return (Fetch(WINDOW),) if was_full and self.state == "open" else NOTHING

    def binary(self) -> Todo:
        """A binary frame came: the protocol has none."""
        return self._close(1003, "text only")

    def replaced(self) -> Todo:
        """The same browser has a newer connection."""
        return self._close(1000, "replaced")

    def ended(self) -> Todo:
        """The service stops: the browser comes back by itself."""
        return self._close(RESTART, "restart")

    def late(self) -> Todo:
        """The time for the first word is over."""
        return self._close(POLICY, "no hello") if self.state == "new" else NOTHING

    def _close(self, code: int, reason: str) -> Todo:
        if self.state == "closing":
            return NOTHING
        self.state = "closing"
        return (Close(code, reason),)


def _known_form(uaid: str | None) -> str:
    """The uaid where it can be one of ours; others get a new one."""
    text = uaid or ""
    return text if len(text) == 32 and all(one in "0123456789abcdef" for one in text) else ""


def _point(key: str) -> bytes:
    """The VAPID key of a registration. Raises ValueError where it is no point of the curve."""
    point = unbase64url(key)
    try:
        read_point(point)
    except SubscriptionFault as why:
        raise ValueError(why.code) from None
    return point

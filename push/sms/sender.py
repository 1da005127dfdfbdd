"""A way to send short messages, whatever is behind it: what the house hands in, what it is told.

``CarrierSender`` speaks the carriers' own protocols; ``push.sms.sample_http`` shows how another one is added.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from push.sms.ports import Done, LinkState


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one number, or those of its segments that are still to be sent."""

    to: str
    """Mainland number of 11 digits."""
    source: str
    """Access number and extension: what the phone shows as the sender."""
    text: str
    """The whole text, normalised, its signature included."""
    numbers: tuple[int, ...]
    """The segments to send, from 1, in order; ``Done`` is told an outcome for each."""
    reference: int
    """Of the header of a long message; the same when a segment is sent again, so that phones join it with the others."""
    priority: int = 1
    """0 (low) to 9 (high)."""
    valid_until: int | None = None
    """UTC microseconds; after it the carrier is to give up."""
    sequences: tuple[int, ...] = ()
    """Of ``own_ids``, one for each number, where the sender gives any."""


class Sender(Protocol):
    """One channel. ``post`` never raises and calls ``done`` once: with SubmitAnswer, InDoubt or NotSent for each number."""

    name: str

    @property
    def state(self) -> LinkState:
        """Whether it can be used now and, where not, why."""
        ...

    @property
    def free(self) -> int:
        """Segments that would leave at once if they were handed in now; 0 where it cannot be used."""
        ...

    async def start(self) -> None:
        """Begin to connect, and go on for ever; does not wait for a connection."""
        ...

    async def stop(self) -> None:
        """Send nothing new, wait for what is open, end in order; what stays open is told as InDoubt."""
        ...

    def own_ids(self, count: int) -> list[tuple[int, str]]:
        """Sequences set aside, each with the message id it makes; none where the far end gives the ids."""
        ...

    def post(self, message: Message, done: Done, token: object) -> None:
        """Send; ``token`` comes back with InDoubt and with late answers."""
        ...

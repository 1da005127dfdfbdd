"""The words of replies from phones, and the pure functions by which the gateway decides about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, Protocol

from inbox_store.nouns import Attendee, MeetingForm, Noun

Asks = Literal["meeting", "document", "none"]
"""What the message asked that a reply came to: a meeting notice asks who comes; the others ask nothing."""

Kind = Literal["attend", "substitute", "leave", "refuse", "unknown"]


class Meaning(Noun, frozen=True, kw_only=True):
    """What a reply says; ``detail`` is the substitute's name or the reason of a leave."""

    kind: Kind
    detail: str = ""


UNKNOWN: Final = Meaning(kind="unknown")


class Replier(Noun, frozen=True, kw_only=True):
    """Who replied, as a unit's list of names tells it."""

    name: str
    post: str
    phone: str


class Read(Protocol):
    """Pure and total: what a text says to a question."""

    def __call__(self, text: str, *, asks: Asks) -> Meaning:
        """Never raises."""
        ...


class Rules(Noun, frozen=True, kw_only=True):
    """The pure functions of the gateway that decide about replies."""

    read: Read
    listed: Callable[[tuple[Attendee, ...], Replier, Meaning], tuple[Attendee, ...]]
    """The unit's list with the replier's line as the reply says; the same list where it says so already."""
    check: Callable[[MeetingForm, tuple[Attendee, ...], int, bool], None]
    """Raises Refused for a list that may not be stored at an instant; the last tells whether the unit answered before."""
    personal: Callable[[Meaning], tuple[str, str]]
    """The person's own answer and its reason. Raises Refused."""

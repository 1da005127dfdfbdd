"""What is said about urging: a duty of a copy as it stands, who is in the unit, what is to be done about it. Frozen data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from inbox_store.messages import NewAlert
from inbox_store.nouns import Noun

Duty = Literal["sign", "handle", "reply"]
"""What a unit owes: its sign-for, its handling, its answer to a meeting notice."""
Rung = Literal["handler", "clerk_a", "clerk_b", "clerks", "leader"]
"""Whom an urge goes to; ``clerks`` are both, asked by hand."""
Part = Literal["unit", "supervisor", "leader", "applicant"]
"""As what a person was told."""

HANDLE_OPEN = frozenset({"unsigned", "signed", "handling"})


class Matter(Noun, frozen=True):
    """One duty of one copy with what decides about it; columns in the order of ``matters_due``. Instants: UTC microseconds.

    ``reached`` is the instant of the last step taken; ``ticked``: the sender asked for short messages.
    """

    duty: Duty
    document_id: int
    unit_id: int
    copy_round: int
    due_at: int
    reached: int
    sent_at: int
    state: str
    round: int
    handler_id: int | None
    folder: str
    urgency: str
    kind: str
    title: str
    sensitivity: str
    sender_unit_id: int
    recalled: int
    ticked: int
    answered: int

    @property
    def open(self) -> bool:
        """Whether it is still owed: the very copy, not taken back, not done."""
        if self.recalled or self.round != self.copy_round:
            return False
        if self.duty == "sign":
            return self.state == "unsigned"
        if self.duty == "handle":
            return self.state in HANDLE_OPEN
        return not self.answered and self.state not in ("returned", "recalled")


class UnitPerson(Noun, frozen=True, kw_only=True):
    """Somebody who can be addressed in a unit: ``ranks`` of a clerk, ``leads`` the roles of a leader.

    ``for_persons``: whom the person is agent for there; ranks and roles are then those of the absent too.
    """

    person_id: int
    ranks: frozenset[str] = frozenset()
    leads: frozenset[str] = frozenset()
    for_persons: frozenset[int] = frozenset()


class Move(Noun, frozen=True, kw_only=True):
    """What is due about a matter now, and when to look again (``next_at``; None: never).

    ``rungs`` are those to be urged, the highest last; ``step`` the instant of the last step that is taken by it.
    """

    rungs: tuple[Rung, ...] = ()
    step: int = 0
    amber: bool = False
    red: bool = False
    next_at: int | None = None


DONE = Move()
"""Nothing is owed any more."""

Word = Callable[[Matter, int], NewAlert]
"""The alert of a matter at an instant; its round, its payer and its document are set by who urges."""


class Urger(Protocol):
    """What an office decides about urging; every method is pure."""

    def move(self, matter: Matter, now: int) -> Move:
        """What is due about the matter."""
        ...

    def whom(self, rung: Rung, people: Sequence[UnitPerson], handler_id: int | None) -> tuple[int, ...]:
        """The persons of a rung; where it is empty, of the next one that is not."""
        ...

    def sms(self, matter: Matter) -> bool:
        """Whether a short message goes with an urge of the ladder, and with a red light."""
        ...

    def supervisor(self, unit_id: int, supervising: Supervising) -> int | None:
        """The unit one level up that follows the matters of ``unit_id`` up; None where nobody stands above."""
        ...

    def urge_alert(self, matter: Matter, now: int) -> NewAlert:
        """The words of an urge."""
        ...

    def red_alert(self, matter: Matter, now: int) -> NewAlert:
        """The words of a red light."""
        ...


class Supervising(Noun, frozen=True, kw_only=True):
    """Who supervises: units set by hand for a region, and the units with a supervisor in office now."""

    by_region: dict[int, int] = {}
    manned: frozenset[int] = frozenset()

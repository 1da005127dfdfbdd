"""What may follow what: every state table of the house in one file. Status only moves forward (I6)."""

from __future__ import annotations

from typing import Final

from inbox_store.errors import Refused

# A distribution (document x unit): the receiving unit's road, T Art. 24.
#   unsigned -> signed -> handling -> finished -> archived
# A return is only possible before signing; a recall turns what is unsigned into recalled and merely marks the rest.
# A document for information may be filed straight after signing (bulletin.md 3.3); a filed one may be reopened.
DISTRIBUTION: Final[dict[tuple[str, str], str]] = {
    ("unsigned", "sign"): "signed",
    ("unsigned", "return"): "returned",
    ("unsigned", "recall"): "recalled",
    ("returned", "send_again"): "unsigned",
    ("signed", "transfer"): "handling",
    ("signed", "archive"): "archived",
    ("handling", "transfer"): "handling",
    ("handling", "finish"): "finished",
    ("handling", "archive"): "archived",
    ("finished", "transfer"): "handling",
    ("finished", "archive"): "archived",
    ("archived", "reopen"): "handling",
}

# Why a step is refused, by the state in which it was tried.
_REFUSALS: Final[dict[tuple[str, str], str]] = {
    ("signed", "sign"): "already_signed",
    ("handling", "sign"): "already_signed",
    ("finished", "sign"): "already_signed",
    ("archived", "sign"): "already_signed",
    ("returned", "sign"): "already_returned",
    ("returned", "return"): "already_returned",
    ("recalled", "sign"): "already_recalled",
    ("recalled", "return"): "already_recalled",
    ("signed", "return"): "already_signed",
    ("handling", "return"): "already_signed",
    ("finished", "return"): "already_signed",
    ("archived", "return"): "already_signed",
    ("unsigned", "transfer"): "not_signed",
    ("unsigned", "finish"): "not_signed",
    ("unsigned", "archive"): "not_signed",
}

# A dispatch: held until a second person approves (F6), then sent.
DISPATCH: Final[dict[tuple[str, str], str]] = {
    ("held", "approve"): "sending",
    ("held", "reject"): "rejected",
    ("sending", "complete"): "sent",
}

PENDING: Final[frozenset[str]] = frozenset({"to_do", "to_read"})
"""Inbox states that a badge counts."""


def distribution_step(state: str, event: str) -> str:
    """The state of a distribution after ``event``. Raises Refused naming why not."""
    after = DISTRIBUTION.get((state, event))
    if after is None:
        raise Refused(_REFUSALS.get((state, event), "step_not_possible"), state=state, step=event)
    return after


def dispatch_step(state: str, event: str) -> str:
    """The state of a dispatch after ``event``. Raises Refused("not_held") where it was decided already."""
    after = DISPATCH.get((state, event))
    if after is None:
        raise Refused("not_held", state=state, step=event)
    return after

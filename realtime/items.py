"""What a live session tells: one entry of one's inbox that arrived or changed."""

from __future__ import annotations

from typing import Literal

import msgspec

from inbox_store.nouns import DistributionState, Folder, InboxState, Urgency

ItemKind = Literal["arrived", "state", "withdrawn"]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What every receiver of one document sees alike. Times are UTC microseconds; ``sender`` is the unit's name."""

    document_id: int
    title: str
    urgency: Urgency
    sender: str
    sent_at: int
    sign_due_at: int | None = None


class UnitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Status feedback to the sender: how far one receiving unit has come, and by whose act (a name)."""

    unit_id: int
    status: DistributionState
    by: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry as it stands now: take it as "this is how it is", whether it was known before or not.

    ``unit_status`` is there for the sender's own entries only.
    """

    document_id: int
    kind: ItemKind
    folder: Folder
    state: InboxState
    title: str
    urgency: Urgency
    sender: str
    sent_at: int
    sign_due_at: int | None = None
    unit_status: tuple[UnitStatus, ...] = ()


def arrived(header: Header, folder: Folder, state: InboxState) -> Item:
    """The entry of a document that has just come in."""
    return Item(
        document_id=header.document_id,
        kind="arrived",
        folder=folder,
        state=state,
        title=header.title,
        urgency=header.urgency,
        sender=header.sender,
        sent_at=header.sent_at,
        sign_due_at=header.sign_due_at,
    )

"""A line of the ledger: one accepted segment, or a correction of one. Pure; sealed with the commit like the trace."""

from __future__ import annotations

from typing import Literal

import msgspec

from inbox_store.chain import leaf_hash

Purpose = Literal["document", "code", "drill", "operator", "duplicate"]
"""What the message was for; all but ``document`` are the city's own and are not apportioned (sms-charges C6)."""

_SORTED = msgspec.json.Encoder(order="sorted")


class ChargeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted segment with everything that decided its price and payer, frozen (sms-charges 4.5).

    Amounts in li (0.001 yuan), instants in UTC microseconds, ``month`` is yyyymm in Asia/Shanghai: of the acceptance, or
    the open month in which an adjustment was written. ``of_commit`` and ``of_no`` name the line an adjustment corrects.
    Regions and payer are ids of regions; the payer is a county, or the city.
    """

    kind: Literal["charge", "adjustment"] = "charge"
    of_commit: int | None = None
    of_no: int | None = None
    alert_id: int
    alert_kind: str
    purpose: Purpose
    round: int
    document_id: int | None
    unit_id: int
    region_id: int
    person_id: int
    to_unit_id: int
    to_region_id: int
    phone: str
    channel: str
    message_id: str
    segment_no: int
    acceptance_no: int
    segments: int
    price_li: int
    amount_li: int
    payer_id: int
    accepted_at: int
    month: int
    policy: str

    def digest(self, commit_no: int, no: int) -> bytes:
        """The leaf hash over its place and every column: a changed line no longer fits its digest."""
        return leaf_hash(_SORTED.encode([commit_no, no, *msgspec.structs.astuple(self)]))


COLUMNS: tuple[str, ...] = ChargeLine.__struct_fields__
"""The columns of a line as they are stored, behind commit number and place."""

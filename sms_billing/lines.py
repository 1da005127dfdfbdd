"""Lines of the ledger: a charge from an accepted segment, and the adjustments of what was charged (sms-charges 4.5).

A charge is frozen with everything that decided it. The report stands beside the line and never changes it; what is found
wrong later becomes a line of its own in an open month, with a reference back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Literal, NamedTuple

import msgspec

from inbox_store.errors import Refused
from inbox_store.ledger import ChargeLine, Purpose
from inbox_store.messages import Accepted
from inbox_store.times import day_of, iso
from sms_billing.payers import Payers
from sms_billing.periods import Books, month_at
from sms_billing.spans import Timeline
from sms_billing.tariff import Tariff

BillOn = Literal["accepted", "delivered"]
"""Which outcome a channel's contract charges (sms-charges 4.2); the county ledger counts what was sent: ``accepted``."""
Outcome = Literal["accepted", "delivered", "failed", "unreported"]

_PURPOSES: Final[dict[str, Purpose]] = {"code": "code", "drill": "drill", "operator": "operator"}


class LinePlace(NamedTuple):
    """Where a line stands in the ledger."""

    commit_no: int
    no: int


class _Priced(msgspec.Struct, frozen=True):
    """A tariff beside the words for it, made once."""

    tariff: Tariff
    words: str
    from_at: int
    to_at: int | None


def purpose_of(accepted: Accepted) -> Purpose:
    """What a segment is for; the second acceptance of one and all later are duplicates, a test document is a drill (C6)."""
    if accepted.acceptance_no > 1:
        return "duplicate"
    return "drill" if accepted.is_test else _PURPOSES.get(accepted.kind, "document")


def billed(bill_on: BillOn, outcomes: Collection[Outcome]) -> bool:
    """Whether a segment is charged, whatever order its outcomes came in (sms-charges 4.2).

    ``accepted`` charges what the carrier took, reported or not; ``delivered`` only what was ever reported delivered. A
    report proves the acceptance whose answer was lost.
    """
    if bill_on == "delivered":
        return "delivered" in outcomes
    return bool(outcomes)


class Charging:
    """Prices and payers of one installation, ready to make a line for every accepted segment. Immutable."""

    def __init__(self, tariffs: Iterable[Tariff], payers: Payers) -> None:
        self._prices = Timeline([_priced(tariff) for tariff in tariffs])
        self._payers = payers

    def line(self, accepted: Accepted, phone: str, books: Books, *, override: bool = False) -> ChargeLine:
        """The line of a segment: in the month of its acceptance, or as a late charge (补记) in the open one.

        ``phone`` is masked; ``override`` as in ``Payers.payer``.

        A tariff by message charges the first segment and puts the others at 0. Raises Refused("no_tariff"),
        ("no_payer") or ("no_policy") where nothing says what it costs or who pays.
        """
        at = accepted.accepted_at
        priced = self._prices.at(at)
        if priced is None:
            raise Refused("no_tariff", at=iso(at))
        purpose = purpose_of(accepted)
        payer_id, payer_words = self._payers.payer(accepted, purpose, override=override)
        month = month_at(at)
        late = books.closed(month)
        free = priced.tariff.per == "message" and accepted.segment_no > 1
        return ChargeLine(
            kind="adjustment" if late else "charge",
            alert_id=accepted.alert_id,
            alert_kind=accepted.kind,
            purpose=purpose,
            round=accepted.round,
            document_id=accepted.document_id,
            unit_id=accepted.unit_id,
            region_id=accepted.region_id,
            person_id=accepted.person_id,
            to_unit_id=accepted.to_unit_id,
            to_region_id=accepted.to_region_id,
            phone=phone,
            channel=accepted.channel,
            message_id=accepted.message_id,
            segment_no=accepted.segment_no,
            acceptance_no=accepted.acceptance_no,
            segments=1,
            price_li=priced.tariff.price_li,
            amount_li=0 if free else priced.tariff.price_li,
            payer_id=payer_id,
            accepted_at=at,
            month=books.open_month(month) if late else month,
            policy=f"{payer_words}/{priced.words}",
        )


def _priced(tariff: Tariff) -> _Priced:
    # The price itself is a column of the line.
    words = f"{day_of(tariff.from_at)}" + ("" if tariff.per == "segment" else " per message")
    return _Priced(tariff, words, tariff.from_at, tariff.to_at)


def messages(line: ChargeLine) -> int:
    """How many messages a line counts for: the first segment stands for its message, a reversal takes it back."""
    return line.segments if line.segment_no == 1 else 0


def once_key(line: ChargeLine) -> tuple[object, ...]:
    """What may be charged only once (sms-charges 4.5): the key of the ledger's unique index."""
    return (
        line.alert_id,
        line.person_id,
        line.purpose,
        line.round,
        line.segment_no,
        line.acceptance_no,
    )


def reversal(line: ChargeLine, place: LinePlace, earlier: Iterable[ChargeLine], books: Books) -> ChargeLine:
    """The opposite of a line (红冲), in its own month while that is open, else in the next open one.

    ``earlier`` are the lines that correct it already. Raises Refused("already_reversed") the second time, and
    Refused("reversal_of_reversal") for a line that takes back another: what is charged again says so itself.
    """
    if line.segments < 0:
        raise Refused("reversal_of_reversal", commit_no=place.commit_no, no=place.no)
    if any(told.segments < 0 for told in _correcting(earlier, place)):
        raise Refused("already_reversed", commit_no=place.commit_no, no=place.no)
    return msgspec.structs.replace(
        line,
        kind="adjustment",
        of_commit=place.commit_no,
        of_no=place.no,
        segments=-line.segments,
        amount_li=-line.amount_li,
        month=books.open_month(line.month),
    )


def recharge(
    line: ChargeLine, place: LinePlace, payer_id: int, earlier: Iterable[ChargeLine], books: Books
) -> ChargeLine:
    """A reversed line charged again to another payer, after an objection was found right; price and facts stay.

    Raises Refused("not_reversed") before the reversal, Refused("already_recharged") the second time.
    """
    found = _correcting(earlier, place)
    if not any(told.segments < 0 for told in found):
        raise Refused("not_reversed", commit_no=place.commit_no, no=place.no)
    if any(told.segments > 0 for told in found):
        raise Refused("already_recharged", commit_no=place.commit_no, no=place.no)
    return msgspec.structs.replace(
        line,
        kind="adjustment",
        of_commit=place.commit_no,
        of_no=place.no,
        payer_id=payer_id,
        month=books.open_month(line.month),
        policy=f"{line.policy}/payer {line.payer_id} corrected",
    )


def _correcting(earlier: Iterable[ChargeLine], place: LinePlace) -> list[ChargeLine]:
    return [told for told in earlier if (told.of_commit, told.of_no) == place]

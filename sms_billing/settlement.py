"""The settlement of a year, step by step: draft, objection window, confirmed, frozen (sms-charges 4.5).

Each step is a new value with who took it and when; what may not be done is Refused with the step it waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from inbox_store.errors import Refused
from inbox_store.times import day_of, day_start
from sms_billing.periods import Books

OBJECTION_DAYS: Final = 10
"""Working days in which a county may object to its statement."""

SettlementStep = Literal["draft", "objections", "confirmed", "frozen"]
STEP_ZH: Final[dict[SettlementStep, str]] = {
    "draft": "草拟",
    "objections": "异议期",
    "confirmed": "已确认",
    "frozen": "已定稿",
}

AddWorkDays = Callable[[date, int], date]
"""The day that many working days after a day, which is not counted itself."""


class StepTaken(msgspec.Struct, frozen=True, kw_only=True):
    """One step with the account that took it and the moment (UTC microseconds)."""

    step: SettlementStep
    by: int
    at: int


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """What a county holds against its statement, and what was answered. ``answer`` None: not answered yet."""

    region_id: int
    text: str
    by: int
    at: int
    answer: str | None = None
    answered_by: int | None = None
    answered_at: int | None = None


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A county's word that its statement is right: with all of them nobody waits for the window's end."""

    region_id: int
    by: int
    at: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The settlement of one year. ``objections_until`` is the first instant after the window, once it runs.

    ``digest`` is that of the statements as they were sent out: what is frozen is what was shown. ``parties`` are the
    counties that are asked.
    """

    year: int
    digest: bytes
    taken: tuple[StepTaken, ...]
    parties: frozenset[int] = frozenset()
    objections_until: int | None = None
    objections: tuple[Objection, ...] = ()
    consents: tuple[Consent, ...] = ()

    @property
    def step(self) -> SettlementStep:
        """Where it stands."""
        return self.taken[-1].step


def draft(
    books: Books, year: int, digest: bytes, by: int, at: int, parties: Iterable[int] = ()
) -> Settlement:
    """A settlement to be sent out. Raises Refused("year_open") before the year is closed."""
    if year not in books.years:
        raise Refused("year_open", year=year)
    taken = (StepTaken(step="draft", by=by, at=at),)
    return Settlement(year=year, digest=digest, taken=taken, parties=frozenset(parties))


def send_out(settlement: Settlement, add_work_days: AddWorkDays, by: int, at: int) -> Settlement:
    """The statements go to the counties, and the window runs to the end of its tenth working day.

    Raises Refused("settlement_step") unless it is a draft.
    """
    _check(settlement, "draft")
    last = add_work_days(day_of(at), OBJECTION_DAYS)
    return _stepped(settlement, "objections", by, at, objections_until=day_start(last + timedelta(days=1)))


def object_to(settlement: Settlement, region_id: int, text: str, by: int, at: int) -> Settlement:
    """A county's objection; told again in the same words it is the one that stands.

    Raises Refused: settlement_step, objections_over, settlement_text_empty, consent_given.
    """
    _check(settlement, "objections")
    if any((told.region_id, told.text) == (region_id, text.strip()) for told in settlement.objections):
        return settlement
    if settlement.objections_until is not None and at >= settlement.objections_until:
        raise Refused("objections_over", year=settlement.year)
    if not text.strip():
        raise Refused("settlement_text_empty", year=settlement.year)
    if any(told.region_id == region_id for told in settlement.consents):
        raise Refused("consent_given", year=settlement.year)
    told = Objection(region_id=region_id, text=text.strip(), by=by, at=at)
    return msgspec.structs.replace(settlement, objections=(*settlement.objections, told))


def answer(settlement: Settlement, number: int, text: str, by: int, at: int) -> Settlement:
    """The city office's answer to the objection of that place, counted from 0.

    An objection found right changes no closed month: it becomes adjustments in the open one. Raises Refused:
    settlement_step, no_objection, objection_answered, settlement_text_empty.
    """
    _check(settlement, "objections")
    if not 0 <= number < len(settlement.objections):
        raise Refused("no_objection", year=settlement.year, number=number)
    told = settlement.objections[number]
    if told.answer is not None:
        raise Refused("objection_answered", year=settlement.year, number=number)
    if not text.strip():
        raise Refused("settlement_text_empty", year=settlement.year)
    answered = msgspec.structs.replace(told, answer=text.strip(), answered_by=by, answered_at=at)
    kept = settlement.objections
    return msgspec.structs.replace(settlement, objections=(*kept[:number], answered, *kept[number + 1 :]))


def consent(settlement: Settlement, region_id: int, by: int, at: int) -> Settlement:
    """A county confirms its statement by its own word, before the window is over; once is enough.

    Raises Refused: settlement_step, not_a_party, objections_unanswered (its own).
    """
    _check(settlement, "objections")
    if region_id not in settlement.parties:
        raise Refused("not_a_party", year=settlement.year)
    if any(told.region_id == region_id for told in settlement.consents):
        return settlement
    _answered(settlement, (region_id,))
    told = Consent(region_id=region_id, by=by, at=at)
    return msgspec.structs.replace(settlement, consents=(*settlement.consents, told))


def agreed(settlement: Settlement) -> bool:
    """Whether every county has given its word."""
    return bool(settlement.parties) and settlement.parties == {told.region_id for told in settlement.consents}


def confirm(settlement: Settlement, by: int, at: int) -> Settlement:
    """Confirmed after the window, when every objection is answered; or earlier, by the word of every county.

    Raises Refused: settlement_step, objections_running, objections_unanswered.
    """
    _check(settlement, "objections")
    until = settlement.objections_until
    if (until is None or at < until) and not agreed(settlement):
        raise Refused("objections_running", year=settlement.year, until_at=until)
    _answered(settlement, None)
    return _stepped(settlement, "confirmed", by, at)


def _answered(settlement: Settlement, regions: Container[int] | None) -> None:
    """Raises Refused("objections_unanswered") with their numbers; ``regions`` None: of anybody."""
    waiting = [
        number
        for number, told in enumerate(settlement.objections)
        if told.answer is None and (regions is None or told.region_id in regions)
    ]
    if waiting:
        raise Refused("objections_unanswered", year=settlement.year, numbers=waiting)


def freeze(settlement: Settlement, digest: bytes, by: int, at: int) -> Settlement:
    """Frozen for good, with the statements that were sent out. Raises Refused: settlement_step, statements_changed."""
    _check(settlement, "confirmed")
    if digest != settlement.digest:
        raise Refused("statements_changed", year=settlement.year)
    return _stepped(settlement, "frozen", by, at)


def _check(settlement: Settlement, step: SettlementStep) -> None:
    if settlement.step != step:
        raise Refused(
            "settlement_step", year=settlement.year, step=STEP_ZH[settlement.step], wanted=STEP_ZH[step]
        )


def _stepped(settlement: Settlement, step: SettlementStep, by: int, at: int, **changed: int) -> Settlement:
    taken = (*settlement.taken, StepTaken(step=step, by=by, at=at))
    return msgspec.structs.replace(settlement, taken=taken, **changed)

"""What the demo shows at the end: figures read from the store as any report would read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.loading import load
from gateway.assembly import open_parts
from gateway.demo.play import Played
from gateway.demo.stage import Cast
from gateway.flows.billing import Bills, bills
from gateway.flows.figures import RateTable, rates
from gateway.rules.rates import Figures, Rate
from inbox_store.engine import Program
from inbox_store.programs import dispatch, figures, pushes, sms_figures
from inbox_store.times import US, day_of
from sms_billing.periods import month_at


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """The short messages of the demo: people told, segments, and what became of them (messages, but for the segments)."""

    messages: int
    segments: int
    charged_segments: int
    delivered: int
    unreported: int
    in_doubt: int
    suppressed: int


class Pushes(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts to phones: taken by the vendor, reported on the phone, and devices struck off because they are dead."""

    sent: int
    delivered: int
    pruned: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one run. Rates are percentages with one decimal, as the bulletin prints them; times in seconds."""

    units: int
    persons: int
    distributions: int
    inbox_entries: int
    signed: int
    returned: int
    sign_rate: float | None
    on_time_sign_rate: float | None
    meeting: dict[str, int]
    sms: Messages
    push: Pushes
    charges: dict[str, int]
    """What each county bears, and "city", in li."""
    fanout_s: float
    seconds: float


def _percent(rate: Rate) -> float | None:
    return None if rate.tenths is None else rate.tenths / 10


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one document: copies, entries, its copies' outcomes, and how long the fan-out took (seconds)."""

    copies: int
    entries: int
    outcomes: Figures
    fanout_s: float


def _facts(played: Played) -> Program[Facts]:
    copies, entries = yield from figures.reached(played.document_id)
    row = yield from dispatch.dispatch_row(played.dispatch_id)
    told = yield from figures.outcomes_of(played.document_id)
    released, done = row.decided_at or row.submitted_at, row.sent_at or 0
    outcomes = Figures(
        sent=copies,
        on_time=told.get("on_time", 0),
        late=told.get("late", 0),
        returned=told.get("returned", 0),
        recalled=told.get("recalled", 0),
    )
    return Facts(copies=copies, entries=entries, outcomes=outcomes, fanout_s=(done - released) / US)


def _messages(documents: Sequence[int]) -> Program[Messages]:
    states: Counter[str] = Counter()
    segments = charged = 0
    for document_id in documents:
        told = yield from sms_figures.of_document(document_id)
        states.update({state: count for state, (count, _) in told.states.items()})
        segments += sum(count for _, count in told.states.values())
        charged += told.charged_segments
    return Messages(
        messages=states.total(),
        segments=segments,
        charged_segments=charged,
        delivered=states["delivered"],
        # The carrier took them, and no report has come: after 72 hours they are listed as unreported.
        unreported=states["accepted"] + states["unreported"],
        in_doubt=states["in_doubt"],
        suppressed=states["suppressed"],
    )


def _pushes(documents: Sequence[int]) -> Program[Pushes]:
    states: Counter[str] = Counter()
    for document_id in documents:
        states.update((yield from pushes.of_document(document_id)))
    return Pushes(
        sent=states["accepted"] + states["delivered"],
        delivered=states["delivered"],
        pruned=(yield from pushes.gone_count()),
    )


async def read_result(folder: Path, cast: Cast, played: Played) -> tuple[Result, RateTable, Bills]:
    """The result of the run, the rates by county of the day, and the bills of the month."""
    settings = load(None, {}, {"store.path": str(folder)}).settings
    async with open_parts(settings) as parts:
        facts = await parts.store.engine.read(_facts(played))
        now = parts.house.clock()
        table = await rates(parts.house, day_of(now), day_of(now), "county", None, now)
        messages = await parts.store.engine.read(_messages(played.reminded))
        alerts = await parts.store.engine.read(_pushes([*played.reminded, played.meeting_id]))
        told_bills = await bills(parts.house, (month_at(now),))
    told = facts.outcomes
    result = Result(
        units=cast.units,
        persons=cast.persons,
        distributions=facts.copies,
        inbox_entries=facts.entries,
        signed=told.signed,
        returned=told.returned,
        sign_rate=_percent(told.sign_rate),
        on_time_sign_rate=_percent(told.on_time_sign_rate),
        meeting={key: played.summary[key] for key in ("asked", "answered", "attending", "missing")},
        sms=messages,
        push=alerts,
        charges=_charges(told_bills),
        fanout_s=round(facts.fanout_s, 3),
        seconds=round(played.seconds, 2),
    )
    return result, table, told_bills


def _charges(told: Bills) -> dict[str, int]:
    """By the names of counties; the city's statement is the first."""
    city, *counties = told.statements
    return {"city": city.whole.amount_li} | {one.payer.name: one.whole.amount_li for one in counties}


def as_json(result: Result) -> str:
    """One line of JSON."""
    return msgspec.json.encode(result).decode()

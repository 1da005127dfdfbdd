"""Facts of short messages: the alert and its orders, what may leave, what a carrier answered, what it reported.

An attempt is committed before its segment leaves; its outcome and its charge are one transaction. What has no answer is
in doubt: never sent again by itself, matched later by report or detail file, charged once (faults.md 6, 7).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from inbox_store.engine import Audit, Charge, CommitNo, Each, Many, Program, Sql
from inbox_store.errors import Refused
from inbox_store.ledger import ChargeLine
from inbox_store.nouns import Noun
from inbox_store.times import day_at

PRIORITIES = 4
"""0 extra urgent, 1 urgent, 2 ordinary, 3 bulk: a lower number always leaves first."""

PERMANENT_FAILURES = 3
"""So many permanent failures in a row mark a number bad (F19)."""

UNREPORTED_US = 72 * 3_600_000_000
"""Accepted and without a report for so long: ``unreported`` (sms-charges 4.2)."""


class NewAlert(Noun, frozen=True, kw_only=True):
    """One event to tell people about. ``text`` is what is sent, normalised; ``expires_at`` UTC microseconds."""

    kind: str
    unit_id: int
    text: str
    segments: int
    urgency: str
    priority: int
    expires_at: int
    round: int = 0
    document_id: int | None = None
    dispatch_id: int | None = None


class Facts(Noun, frozen=True):
    """What decides whether an order may leave now; columns in the order of ``sms_due``.

    ``*_off`` tell whether the county's messages are switched off now: the recipient's, and the originator's (P66).
    ``sent_today`` counts the messages of this person, ``unit_today`` those of the originator, of today.
    """

    order_id: int
    alert_id: int
    kind: str
    round: int
    document_id: int | None
    unit_id: int
    region_id: int
    urgency: str
    text: str
    is_test: int
    recalled: int
    created_at: int
    person_id: int
    to_unit_id: int
    to_region_id: int
    to_off: int
    off: int
    phone_sealed: bytes | None
    phone_key: int | None
    route: str | None
    bad: int
    refused: str
    priority: int
    due_at: int
    expires_at: int
    segments: int
    tries: int
    sent_today: int
    unit_today: int


class Go(Noun, frozen=True, kw_only=True):
    """It leaves now, as so many segments, from this access number."""

    segments: int
    source: str


class Wait(Noun, frozen=True, kw_only=True):
    """Not before ``until`` (quiet hours, a cap); UTC microseconds."""

    until: int
    reason: str


class Stop(Noun, frozen=True, kw_only=True):
    """It never leaves: switched off, too late, taken back, no usable number."""

    state: Literal["suppressed", "expired", "cancelled", "failed"]
    reason: str


Decision = Go | Wait | Stop
Decide = Callable[[Facts], Decision]
"""Pure: from the facts, as they stand in the transaction that hands over."""


class Leaving(Noun, frozen=True, kw_only=True):
    """An order that leaves: its facts, and for each segment number that is to be sent the id of its attempt, in order."""

    facts: Facts
    segments: int
    attempts: tuple[tuple[int, int], ...]
    source: str


class Answered(Noun, frozen=True, kw_only=True):
    """What became of one attempt. ``code`` is the carrier's own; ``again_at`` when what was returned may be tried again."""

    attempt_id: int
    outcome: Literal["accepted", "refused", "returned", "in_doubt"]
    code: str = ""
    message_id: str = ""
    at: int
    again_at: int = 0


class Reported(Noun, frozen=True, kw_only=True):
    """A carrier's report as it came; ``permanent``: the number itself cannot be reached."""

    channel: str
    message_id: str
    phone_lookup: bytes
    state: Literal["waiting", "delivered", "failed"]
    stat: str
    error: str = ""
    done_at: int | None = None
    permanent: bool = False
    at: int


class Accepted(Noun, frozen=True):
    """One accepted segment with what its charge needs; columns in the order of ``sms_accepted``."""

    attempt_id: int
    order_id: int
    segment_no: int
    acceptance_no: int
    channel: str
    message_id: str
    accepted_at: int
    alert_id: int
    kind: str
    round: int
    document_id: int | None
    is_test: int
    unit_id: int
    region_id: int
    person_id: int
    to_unit_id: int
    to_region_id: int
    phone_sealed: bytes | None
    phone_key: int | None
    segments: int


Price = Callable[[Accepted], ChargeLine | None]
"""Pure: what an accepted segment costs and who pays; None where nothing is charged (a drill is: by the city, apart)."""


# Orders -------------------------------------------------------------------------------------------------------------


def add_alert(alert: NewAlert, actor: int, now: int) -> Program[int]:
    """Keep the alert; its orders follow. Of one dispatch, kind and round there is one."""
    told = {name: getattr(alert, name) for name in NewAlert.__struct_fields__}
    rows = yield Sql("alert_add", {**told, "created_by": actor, "created_at": now})
    return int(rows[0][0])


def order_chunk(alert_id: int, window: Mapping[str, int], now: int) -> Program[int]:
    """Orders for the addressed people of a chunk of units: one each, whatever their posts (C8). Returns how many."""
    ((added,),) = yield Sql("sms_order_chunk", {**window, "alert_id": alert_id, "now": now})
    return int(added)


def unrouted(limit: int) -> Program[list[tuple[int, bytes, int]]]:
    """People whose waiting orders have no route yet: (person, sealed number, key)."""
    return [(row[0], row[1], row[2]) for row in (yield Sql("sms_unrouted", {"limit": limit}))]


def set_routes(routes: Sequence[tuple[int, str]]) -> Program[None]:
    """Where these people's messages go, by number prefix or what was learned."""
    rows = [{"person_id": person_id, "route": route} for person_id, route in routes]
    yield Many("phone_route_keep", rows)
    yield Many("sms_order_route", rows)


# What leaves --------------------------------------------------------------------------------------------------------


def claim(channel: str, routes: Sequence[str], free: int, decide: Decide, now: int) -> Program[list[Leaving]]:
    """Take what may leave by ``channel``, ``free`` segments at the most, the urgent first; the attempts are kept before.

    Everything that decides is looked at here, in the transaction that hands over: what was switched off, taken back or
    has expired meanwhile never leaves.
    """
    leaving: list[Leaving] = []
    rows: list[dict[str, object]] = []
    ((next_id,),) = yield Sql("sms_attempt_next")
    for facts in (yield from _due(routes, free, now)):
        decision = decide(facts)
        if not isinstance(decision, Go):
            yield from _hold(facts, decision, now)
            continue
        missing = yield from _missing(facts, decision.segments)
        if len(missing) > free:
            break  # the segments of one message leave together
        free -= len(missing)
        attempts = tuple((number, next_id + at) for at, number in enumerate(missing))
        next_id += len(missing)
        told = Leaving(facts=facts, segments=decision.segments, attempts=attempts, source=decision.source)
        leaving.append(told)
        rows += [
            {
                "id": attempt_id,
                "order_id": facts.order_id,
                "segment_no": number,
                "channel": channel,
                "source": decision.source,
                "sent_at": now,
            }
            for number, attempt_id in attempts
        ]
    yield Many("sms_attempt_add", rows)
    yield Many("sms_order_sending", [{"id": one.facts.order_id} for one in leaving])
    yield from _count_sent(leaving, now)
    return leaving


def _missing(facts: Facts, segments: int) -> Program[list[int]]:
    """The segments that no carrier has taken, nor may have taken: all of them the first time."""
    wanted = list(range(1, segments + 1))
    if not facts.tries:
        return wanted
    taken = {row[0] for row in (yield Sql("sms_segments_settled", {"order_id": facts.order_id}))}
    return [number for number in wanted if number not in taken]


def _count_sent(leaving: Sequence[Leaving], now: int) -> Program[None]:
    first = [one.facts for one in leaving if not one.facts.tries]
    sent = Counter(("person", facts.person_id) for facts in first)
    sent.update(("unit", facts.unit_id) for facts in first)
    day = day_at(now)
    yield Many(
        "sms_sent_add", [{"day": day, "who": who, "id": one, "n": n} for (who, one), n in sent.items()]
    )


def _due(routes: Sequence[str], limit: int, now: int) -> Program[list[Facts]]:
    found: list[Facts] = []
    for priority in range(PRIORITIES):
        for route in routes:
            if len(found) < limit:
                told = {"route": route, "priority": priority, "now": now, "limit": limit - len(found)}
                rows = yield Sql("sms_due", {**told, "day": day_at(now)})
                found += [Facts(*row) for row in rows]
    return found


def _hold(facts: Facts, decision: Wait | Stop, now: int) -> Program[None]:
    if isinstance(decision, Wait):
        told = {"id": facts.order_id, "due_at": decision.until, "reason": decision.reason}
        yield Sql("sms_order_wait", told)
        return
    told = {"id": facts.order_id, "state": decision.state, "reason": decision.reason, "now": now}
    yield Sql("sms_order_stop", told)


def in_doubt(channel: str, now: int) -> Program[int]:
    """At a start: what a dead process had handed to the channel and got no answer for. Returns how many attempts."""
    lost = yield Sql("sms_attempts_lost", {"channel": channel, "now": now})
    if lost:
        yield from _step_orders([row[0] for row in lost], now)
        detail = {"channel": channel, "attempts": len(lost)}
        yield Audit(action="sms.in_doubt", actor=0, subject=f"channel:{channel}", detail=detail)
    return len(lost)


def _step_orders(attempts: Sequence[int], now: int, again_at: int = 0) -> Program[None]:
    told = {"attempts": json.dumps(attempts), "now": now, "again_at": again_at}
    yield Sql("sms_orders_step", told)


# What came back -----------------------------------------------------------------------------------------------------


def settling(price: Price) -> Each[Answered, None]:
    """Keep answers, charge what was accepted, move the orders on; a report that came before its answer is applied."""

    def settle_each(answers: Sequence[Answered]) -> Program[list[Refused | None]]:
        yield CommitNo()
        yield Many("sms_attempt_answer", [_answer_row(one) for one in answers])
        accepted = [one.attempt_id for one in answers if one.outcome == "accepted"]
        if accepted:
            yield from _charge(accepted, price)
            yield from _early_reports(accepted)
        again_at = max(one.again_at for one in answers)
        yield from _step_orders([one.attempt_id for one in answers], max(one.at for one in answers), again_at)
        return [None] * len(answers)

    return settle_each


def _answer_row(one: Answered) -> dict[str, object]:
    names = ("attempt_id", "outcome", "code", "message_id", "at")
    return {name: getattr(one, name) for name in names}


def _charge(attempts: Sequence[int], price: Price) -> Program[None]:
    """One line for each accepted segment that has none; its unique key makes a second one impossible (I3)."""
    for row in (yield Sql("sms_accepted", {"attempts": json.dumps(attempts)})):
        line = price(Accepted(*row))
        if line is not None:
            yield Charge(line)
            yield Sql("charge_sum_add", _sum_of(line))


def _sum_of(line: ChargeLine) -> dict[str, object]:
    names = (
        "month",
        "payer_id",
        "unit_id",
        "region_id",
        "to_region_id",
        "alert_kind",
        "purpose",
        "kind",
        "price_li",
    )
    # A message is counted with its first segment.
    messages = line.segments if line.segment_no == 1 else 0
    counted = {"messages": messages, "segments": line.segments, "amount_li": line.amount_li}
    return {**{name: getattr(line, name) for name in names}, **counted}


def _early_reports(accepted: Sequence[int]) -> Program[None]:
    for row in (yield Sql("sms_reports_early", {"attempts": json.dumps(accepted)})):
        attempt_id, person_id, report_id, state, stat, error, done_at, at, permanent = row
        told = {"state": state, "stat": stat, "error": error, "done_at": done_at, "at": at}
        yield from _apply(attempt_id, person_id, told, permanent=bool(permanent))
        yield Sql("sms_report_taken", {"id": report_id})


def _apply(attempt_id: int, person_id: int, told: Mapping[str, object], *, permanent: bool) -> Program[None]:
    """One report to its attempt; the person's number is judged by what is final and new."""
    ((changed,),) = yield Sql("sms_attempt_report", {**told, "attempt_id": attempt_id})
    if changed and told["state"] == "delivered":
        yield Sql("phone_reached", {"person_id": person_id})
    elif changed and permanent:
        yield Sql("phone_failed", {"person_id": person_id, "now": told["at"], "bad_from": PERMANENT_FAILURES})


def reporting(price: Price) -> Each[Reported, bool]:
    """Apply reports; each outcome tells whether its attempt was found. One without is kept until its answer comes (I6).

    What is final stays: a second, a late or a contradicting report changes nothing. A report proves acceptance: where its
    attempt was in doubt it is charged now, once.
    """

    def report_each(reports: Sequence[Reported]) -> Program[list[bool | Refused]]:
        yield CommitNo()
        keys = [(one.channel, one.message_id, one.phone_lookup.hex().upper()) for one in reports]
        found = {row[0]: row for row in (yield Sql("sms_report_find", {"reports": json.dumps(keys)}))}
        for place, one in enumerate(reports):
            told = {name: getattr(one, name) for name in ("state", "stat", "error", "done_at", "at")}
            if place in found:
                yield from _apply(found[place][1], found[place][2], told, permanent=one.permanent)
            else:
                key = {"channel": one.channel, "message_id": one.message_id, "phone_lookup": one.phone_lookup}
                yield Sql("sms_report_keep", {**told, **key, "permanent": int(one.permanent)})
        attempts = [row[1] for row in found.values()]
        if attempts:
            yield from _charge(attempts, price)
            yield from _step_orders(attempts, max(one.at for one in reports))
        return [place in found for place in range(len(reports))]

    return report_each


def unreported(now: int, limit: int) -> Program[int]:
    """Accepted and silent for 72 hours: told as unreported, with its cost; a later report still counts."""
    rows = yield Sql("sms_unreported", {"before": now - UNREPORTED_US, "now": now, "limit": limit})
    if rows:
        yield CommitNo()
        yield from _step_orders([row[0] for row in rows], now)
    return len(rows)


def figures(alert_id: int) -> Program[dict[str, tuple[int, int]]]:
    """An alert's orders by state: (messages, segments)."""
    rows = yield Sql("sms_figures", {"alert_id": alert_id})
    return {row[0]: (row[1], row[2]) for row in rows}

"""Facts of short messages: the alert and its orders, what may leave, what a carrier answered, what it reported.

An attempt is committed before its segment leaves; its outcome and its charge are one transaction. What has no answer is
in doubt: never sent again by itself, matched later by report or detail file, charged once (faults.md 6, 7).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from inbox_store.engine import Audit, CommitNo, Each, Many, Program, Sql
from inbox_store.errors import Refused
from inbox_store.messages import (
    Accepted,
    Answered,
    Claiming,
    Decide,
    Facts,
    Go,
    Leaving,
    NewAlert,
    Price,
    Reported,
    Stop,
    Wait,
)
from inbox_store.programs import phones
from inbox_store.programs.charges import charged
from inbox_store.times import day_at

PRIORITIES = 4
"""0 extra urgent, 1 urgent, 2 ordinary, 3 bulk: a lower number always leaves first."""

PERMANENT_FAILURES = 3
"""So many permanent failures in a row mark a number bad (F19)."""

LEAVES_WITHIN_US = 500_000
"""What is taken leaves within this time: a switch-off that begins in it stops the message already (sms-charges 4.4)."""

LOOKED_MAX = 500
"""Orders looked at in one claim where none of them may leave: the writer is held for some milliseconds."""

DOUBT_US = 72 * 3_600_000_000
"""A report may be that of an attempt in doubt that was sent so long before it."""

UNREPORTED_US = 72 * 3_600_000_000
"""Accepted and without a report for so long: ``unreported`` (sms-charges 4.2)."""


# Orders -------------------------------------------------------------------------------------------------------------


def add_alert(alert: NewAlert, actor: int, now: int) -> Program[int]:
    """Keep the alert; its orders follow. Of one dispatch, kind and round there is one."""
    told = {name: getattr(alert, name) for name in NewAlert.__struct_fields__}
    rows = yield Sql("alert_add", {**told, "created_by": actor, "created_at": now})
    return int(rows[0][0])


def order_chunk(
    alert_id: int, window: Mapping[str, int], due_at: int, *, until_opened: bool = False
) -> Program[int]:
    """Orders for the addressed people of a chunk of units: one each, whatever their posts (C8). Returns how many.

    ``until_opened``: they leave at ``due_at`` only to those who have not opened the document by then.
    """
    told = {**window, "alert_id": alert_id, "due_at": due_at, "until_opened": int(until_opened)}
    ((added,),) = yield Sql("sms_order_chunk", told)
    return int(added)


def unrouted(limit: int) -> Program[list[tuple[int, bytes, int]]]:
    """People whose waiting orders have no route yet, nor was one learned: (person, sealed number, key)."""
    return [(row[0], row[1], row[2]) for row in (yield Sql("sms_unrouted", {"limit": limit}))]


def set_routes(routes: Sequence[tuple[int, str]], now: int) -> Program[None]:
    """Where these people's waiting messages go, by number prefix; with "" nobody can reach the number."""
    known = [{"person_id": person_id, "route": route} for person_id, route in routes if route]
    yield Many("sms_order_route", known)
    yield Many("sms_order_unroutable", [{"person_id": one, "now": now} for one, route in routes if not route])


# What leaves --------------------------------------------------------------------------------------------------------


def claim(who: Claiming, decide: Decide, now: int) -> Program[list[Leaving]]:
    """Take what may leave by a channel, the urgent first; the attempts are kept before anything leaves.

    Everything that decides is looked at here, in the transaction that hands over: what was switched off, taken back or
    has expired meanwhile never leaves. The segments of one message leave together, also where they are more than is free.
    """
    leaving: list[Leaving] = []
    rows: list[dict[str, object]] = []
    free = yield from _room(who, now)
    ((next_id,),) = yield Sql("sms_attempt_next")
    looked = 0
    # What is held back makes room for the next ones, so that a thousand suppressed messages keep nobody waiting.
    while not leaving and looked < LOOKED_MAX and (due := (yield from _due(who.routes, free, now))):
        looked += len(due)
        for facts in due:
            decision = decide(facts)
            if not isinstance(decision, Go):
                yield from _hold(facts, decision, now)
                continue
            missing, tried = yield from _missing(facts, decision.segments)
            if leaving and len(rows) + len(missing) > free:
                break
            one = Leaving(
                facts=facts,
                segments=decision.segments,
                attempts=tuple((number, next_id + len(rows) + at) for at, number in enumerate(missing)),
                source=decision.source,
                tried=tried,
            )
            leaving.append(one)
            rows += _attempts(who, one, decision, len(rows), now)
    yield Many("sms_attempt_add", rows)
    yield Many("sms_order_sending", [{"id": one.facts.order_id} for one in leaving])
    yield from _count_sent(leaving, now)
    if who.day_segments and rows:
        yield Sql("sms_channel_add", {"day": day_at(now), "channel": who.channel, "segments": len(rows)})
    return leaving


def _room(who: Claiming, now: int) -> Program[int]:
    """How many segments may leave: what is free, and what the contract still allows today."""
    if not who.day_segments:
        return who.free
    ((used,),) = yield Sql("sms_channel_today", {"day": day_at(now), "channel": who.channel})
    return max(0, min(who.free, who.day_segments - int(used)))


def _attempts(who: Claiming, one: Leaving, go: Go, place: int, now: int) -> Iterator[dict[str, object]]:
    """The rows of a message's attempts; ``place`` is that of the first among all of the claim."""
    for at, (number, attempt_id) in enumerate(one.attempts, place):
        yield {
            "id": attempt_id,
            "order_id": one.facts.order_id,
            "segment_no": number,
            "again": int(one.facts.tries > 0),
            "channel": who.channel,
            "source": go.source,
            "message_id": who.own_ids[at] if at < len(who.own_ids) else None,
            "overridden": int(go.overridden),
            "sent_at": now,
        }


def _missing(facts: Facts, segments: int) -> Program[tuple[list[int], tuple[str, ...]]]:
    """The segments that no carrier has taken, nor may have taken (all of them the first time), and the channels tried."""
    wanted = list(range(1, segments + 1))
    if not facts.tries:
        return wanted, ()
    before = yield Sql("sms_order_attempts", {"order_id": facts.order_id})
    taken = {number for number, state, _ in before if state in ("accepted", "in_doubt", "sending")}
    tried = tuple(sorted({channel for _, _, channel in before}))
    return [number for number in wanted if number not in taken], tried


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
                rows = yield Sql("sms_due", {**told, "day": day_at(now), "leaves_by": now + LEAVES_WITHIN_US})
                found += [Facts(*row) for row in rows]
    return found


def _hold(facts: Facts, decision: Wait | Stop, now: int) -> Program[None]:
    if isinstance(decision, Wait):
        told = {"id": facts.order_id, "due_at": decision.until, "reason": decision.reason}
        yield Sql("sms_order_wait", told)
        return
    told = {"id": facts.order_id, "state": decision.state, "reason": decision.reason, "now": now}
    yield Sql("sms_order_stop", told)


def waiting(routes: Sequence[str], now: int) -> Program[bool]:
    """Whether anything is due on one of the routes."""
    for route in routes:
        ((found,),) = yield Sql("sms_waiting", {"route": route, "now": now})
        if found:
            return True
    return False


def in_doubt(now: int) -> Program[int]:
    """At a start: what a dead process had handed to a channel and got no answer for. Returns how many attempts."""
    lost = yield Sql("sms_attempts_lost", {"now": now})
    if lost:
        yield from _step_orders([row[0] for row in lost], now)
        by_channel = Counter(row[1] for row in lost)
        for channel, attempts in sorted(by_channel.items()):
            detail = {"channel": channel, "attempts": attempts}
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
        yield from _reroute([one for one in answers if one.reroute])
        again_at = max(one.again_at for one in answers)
        yield from _step_orders([one.attempt_id for one in answers], max(one.at for one in answers), again_at)
        return [None] * len(answers)

    return settle_each


def _answer_row(one: Answered) -> dict[str, object]:
    names = ("attempt_id", "outcome", "code", "message_id", "at")
    return {name: getattr(one, name) for name in names}


def _reroute(answers: Sequence[Answered]) -> Program[None]:
    """Learn whose number it is now, for this message and all that follow."""
    rows = [{"attempt_id": one.attempt_id, "route": one.reroute} for one in answers]
    yield Many("sms_order_reroute", rows)
    yield Many("phone_route_learn", rows)


def _charge(attempts: Sequence[int], price: Price) -> Program[None]:
    """One line for each accepted segment that has none; its unique key makes a second one impossible (I3)."""
    once = list(
        dict.fromkeys(attempts)
    )  # of two reports about one segment, brought together, each would charge it
    rows = yield Sql("sms_accepted", {"attempts": json.dumps(once)})
    lines = [price(Accepted(*row)) for row in rows]
    yield from charged([line for line in lines if line is not None])


def _early_reports(accepted: Sequence[int]) -> Program[None]:
    for row in (yield Sql("sms_reports_early", {"attempts": json.dumps(accepted)})):
        attempt_id, person_id, report_id, state, stat, error, done_at, at, permanent = row
        told = {"state": state, "stat": stat, "error": error, "done_at": done_at, "at": at}
        yield from _apply(attempt_id, person_id, told, permanent=bool(permanent))
        yield Sql("sms_report_taken", {"id": report_id})


def _apply(attempt_id: int, person_id: int, told: Mapping[str, object], *, permanent: bool) -> Program[None]:
    """One report to its attempt; the person's number is judged by what is final and new, and about that number."""
    changed = yield Sql("sms_attempt_report", {**told, "attempt_id": attempt_id})
    if not changed or not changed[0][0]:
        return
    if told["state"] == "delivered":
        yield Sql("phone_reached", {"person_id": person_id})
    elif permanent:
        yield Sql("phone_failed", {"person_id": person_id, "now": told["at"], "bad_from": PERMANENT_FAILURES})
        yield from phones.failed(person_id, told)


def reporting(price: Price) -> Each[Reported, bool]:
    """Apply reports; each outcome tells whether its attempt was found. One without is kept until its answer comes (I6).

    What is final stays: a second, a late or a contradicting report changes nothing. A report proves acceptance: where its
    attempt was in doubt it is charged now, once.
    """

    def report_each(reports: Sequence[Reported]) -> Program[list[bool | Refused]]:
        yield CommitNo()
        keys = [(one.channel, one.message_id, one.phone_lookup.hex().upper()) for one in reports]
        found: dict[int, list[tuple[int, int]]] = {}
        unproven: list[int] = []  # what was accepted was charged with its answer
        for place, attempt_id, person_id, state in (
            yield Sql("sms_report_find", {"reports": json.dumps(keys)})
        ):
            found.setdefault(place, []).append((attempt_id, person_id))
            if state != "accepted":
                unproven.append(attempt_id)
        for place, one in enumerate(reports):
            told = {name: getattr(one, name) for name in ("state", "stat", "error", "done_at", "at")}
            for attempt_id, person_id in found.get(place, ()):
                yield from _apply(attempt_id, person_id, told, permanent=one.permanent)
            if place not in found:
                key = {"channel": one.channel, "message_id": one.message_id, "phone_lookup": one.phone_lookup}
                yield Sql("sms_report_keep", {**told, **key, "permanent": int(one.permanent)})
        attempts = [attempt_id for told in found.values() for attempt_id, _ in told]
        if unproven:
            yield from _charge(unproven, price)
        if attempts:
            yield from _step_orders(attempts, max(one.at for one in reports))
        return [place in found for place in range(len(reports))]

    return report_each


def match_doubts(price: Price, before: int, now: int, limit: int = 200) -> Program[int]:
    """Give attempts in doubt the reports that can only be theirs: same channel and number, one order, no other way to tell.

    Reports received before ``before`` whose answer would have come by then. Returns how many were matched; each is
    charged once, as any report proves its acceptance. All reports of one message id are one attempt's.
    """
    yield CommitNo()
    found = yield Sql("sms_doubts_reported", {"before": before, "span": DOUBT_US, "limit": limit})
    matched: list[int] = []
    used: set[str] = set()
    for attempt_id, message_id in found:
        if attempt_id in matched or message_id in used:
            continue
        yield Sql("sms_attempt_named", {"attempt_id": attempt_id, "message_id": message_id})
        matched.append(attempt_id)
        used.add(message_id)
    if matched:
        yield from _early_reports(matched)
        yield from _charge(matched, price)
        yield from _step_orders(matched, now)
    return len(matched)


def expire(now: int, limit: int) -> Program[int]:
    """What nobody took in time is told as expired, also while no channel is up. Returns how many messages."""
    return len((yield Sql("sms_expire", {"now": now, "limit": limit})))


def unreported(now: int, limit: int) -> Program[int]:
    """Accepted and silent for 72 hours: told as unreported, with its cost; a later report still counts."""
    rows = yield Sql("sms_unreported", {"before": now - UNREPORTED_US, "now": now, "limit": limit})
    if rows:
        yield CommitNo()
        yield from _step_orders([row[0] for row in rows], now)
    return len(rows)
